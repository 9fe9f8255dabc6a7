// A film on the asset page that cannot be fetched on: its address was signed for a while, or the line broke. Asked for anew, the
// page's own address leads to a fresh one, and the film goes on where it was. Not more often than every few seconds.

const PAUSE_MS = 10_000;

let last = -PAUSE_MS;

function goOn(film) {
  const now = performance.now();
  if (film.error?.code !== MediaError.MEDIA_ERR_NETWORK && film.error?.code !== MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED) return;
  if (film.currentTime === 0 || now - last < PAUSE_MS) return; // What never began has another reason.
  last = now;
  const [at, playing] = [film.currentTime, !film.paused];
  film.addEventListener(
    "loadedmetadata",
    () => {
      film.currentTime = at;
      if (playing) film.play();
    },
    { once: true },
  );
  film.load();
}

document.addEventListener("error", (event) => event.target instanceof HTMLVideoElement && goOn(event.target), true);
