// The picture: one noVNC connection through the gateway, opened with a fresh one-time token each time.

const QUALITIES = [
  { below_ms: 60, quality: 8, compression: 1 },
  { below_ms: 200, quality: 6, compression: 2 },
  { below_ms: Infinity, quality: 3, compression: 6 },
];

/** target: element. rfbUrl: module of noVNC. onChange(state): "connected" | "ended". */
export class Screen {
  constructor(target, rfbUrl, onChange) {
    this.target = target;
    this.rfbUrl = rfbUrl;
    this.onChange = onChange;
    this.rfb = null;
    this.roundTrip_ms = null;
    this.natural = false; // true: one pixel is one pixel, and the picture is dragged
  }

  showNatural(on) {
    this.natural = on;
    if (this.rfb) this.#fit(this.rfb);
  }

  #fit(rfb) {
    rfb.scaleViewport = !this.natural;
    rfb.clipViewport = this.natural;
    rfb.dragViewport = this.natural;
  }

  get connected() {
    return this.rfb?.isConnected ?? false;
  }

  async open({ url, token }) {
    this.close();
    const { default: RFB } = await import(this.rfbUrl);
    const rfb = new RFB(this.target, url, { shared: true, wsProtocols: ["binary", `mainline.${token}`] });
    this.rfb = rfb;
    rfb.resizeSession = true;
    this.#fit(rfb);
    rfb.background = "#0b1418";
    this.#adapt();
    rfb.addEventListener("connect", () => {
      rfb.isConnected = true;
      rfb.focus({ preventScroll: true });
      this.onChange("connected");
    });
    rfb.addEventListener("disconnect", () => {
      if (this.rfb !== rfb) return;
      this.rfb = null;
      this.onChange("ended");
    });
  }

  close() {
    const rfb = this.rfb;
    this.rfb = null;
    rfb?.disconnect();
  }

  /** A slow way gets a coarser picture; measured on the page's own questions to the server, smoothed. */
  measured(ms) {
    this.roundTrip_ms = this.roundTrip_ms === null ? ms : this.roundTrip_ms * 0.7 + ms * 0.3;
    this.#adapt();
  }

  #adapt() {
    if (!this.rfb || this.roundTrip_ms === null) return;
    const fit = QUALITIES.find(({ below_ms }) => this.roundTrip_ms < below_ms);
    if (this.rfb.qualityLevel !== fit.quality) {
      this.rfb.qualityLevel = fit.quality;
      this.rfb.compressionLevel = fit.compression;
    }
  }
}
