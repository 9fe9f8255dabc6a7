// Target against actual, drawn by ECharts, which only the pages of numbers load. What a chart draws stands in its element's
// data-chart; the same numbers are in the page as text and tables, so nothing is lost where there is no script.

const charts = new Map(); // element -> its chart
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => charts.get(target)?.resize()));

const style = () => getComputedStyle(document.documentElement);
const locale = document.documentElement.lang;
const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat(locale, { maximumFractionDigits: 4 });

function option(element) {
  const { target, actual, adds } = JSON.parse(element.dataset.chart);
  const [targetName, actualName] = JSON.parse(element.dataset.names);
  const token = (name) => style().getPropertyValue(`--${name}`).trim();
  const font = { fontFamily: style().getPropertyValue("--font"), fontSize: 12, color: token("ink-3") };
  const large = element.clientHeight > 200;
  const colour = token(element.dataset.tone) || token("accent");
  const line = (name, data, color, more) => ({ name, data, type: "line", showSymbol: data.length === 1, symbolSize: 6, lineStyle: { width: 2, color }, itemStyle: { color }, ...more });
  return {
    animation: false,
    textStyle: font,
    grid: { left: 4, right: 12, top: large ? 36 : 8, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { show: large, top: 0, left: 0, itemWidth: 18, itemHeight: 2, textStyle: { ...font, color: token("ink-2") } },
    // Drawn into the canvas: markup with style attributes would be refused by the page's policy.
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, borderWidth: 1, borderColor: token("line"), backgroundColor: token("surface"), textStyle: { ...font, color: token("ink") }, valueFormatter: (value) => `${exact.format(value)}${element.dataset.unit}` },
    xAxis: { type: "time", axisLine: { lineStyle: { color: token("line") } }, axisTick: { show: false }, axisLabel: { ...font, hideOverlap: true, formatter: { year: "{yyyy}", month: "{MM}-{dd}", day: "{MM}-{dd}", hour: "{HH}:{mm}", minute: "{HH}:{mm}" } }, splitNumber: large ? 8 : 4 },
    yAxis: { type: "value", scale: !adds, splitNumber: large ? 5 : 2, splitLine: { lineStyle: { color: token("line") } }, axisLabel: { ...font, formatter: (value) => compact.format(value) } },
    series: [
      line(targetName, target, token("line-strong"), { lineStyle: { width: 1.5, type: "dashed", color: token("line-strong") }, showSymbol: false }),
      line(actualName, actual, colour, adds ? { areaStyle: { color: colour, opacity: 0.08 } } : {}),
    ],
  };
}

function draw(element) {
  if (!charts.has(element)) {
    charts.set(element, window.echarts.init(element, null, { renderer: "canvas" }));
    sizes.observe(element);
  }
  charts.get(element).setOption(option(element), true);
}

/** Draw what is on the page now, and let go of what is not any more. */
function drawAll() {
  if (!window.echarts) return;
  for (const [element, chart] of charts) {
    if (element.isConnected) continue;
    sizes.unobserve(element);
    chart.dispose();
    charts.delete(element);
  }
  document.querySelectorAll(".number-chart[data-chart]").forEach(draw);
}

drawAll();
document.addEventListener("mainline:swapped", drawAll);
new MutationObserver(drawAll).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
