/* Charts (ECharts, SVG) out of a json_script; each stands beside a table that says the same.
   <div class="chart" data-chart="trend|bars|spark" data-source="id" role="img" aria-label="…"></div>
   trend: {labels, series: [{name, kind: "bar"|"line", values, unit}], note: {index, text}, partial_last}
   bars:  {labels, values, unit, urls}      spark: {values}
   Colours come from the page's CSS variables, so one chart serves both themes. */

const css = (name, at) => getComputedStyle(at).getPropertyValue(name).trim();
const pick = (at) => ({
  ink: css("--ink", at), ink2: css("--ink-2", at), ink3: css("--ink-3", at), grid: css("--grid-line", at), line: css("--line-strong", at),
  surface: css("--surface", at), bars: [css("--ramp-3", at), css("--data-1", at)], lines: [css("--data-2", at), css("--data-3", at)], red: css("--red-mark", at), font: css("--font", at),
});
const words = (value, unit) => value === null || value === undefined ? "—" : unit === "%" ? `${value.toFixed(2)}%` : `${value.toLocaleString("en-US")}${unit ? ` ${unit}` : ""}`;

/* a rate's axis may begin above zero, in steps of ten; counts always begin at zero */
function rateFloor(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length ? Math.max(0, Math.floor((Math.min(...known) - 2) / 10) * 10) : 0;
}

function trend(data, c) {
  const rates = data.series.filter((each) => each.unit === "%");
  const axis = { axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: c.ink3, fontSize: 11 }, splitLine: { lineStyle: { color: c.grid } } };
  let bar = 0, line = 0;
  return {
    grid: { left: 8, right: rates.length ? 8 : 12, top: data.note ? 34 : 12, bottom: 4, containLabel: true },
    xAxis: { type: "category", data: data.labels, axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false }, axisLabel: { color: c.ink3, fontSize: 11 } },
    yAxis: [
      { ...axis, type: "value", min: 0, minInterval: 1 },
      { ...axis, type: "value", show: rates.length > 0, min: rateFloor(rates.flatMap((each) => each.values)), max: 100, splitLine: { show: false }, axisLabel: { ...axis.axisLabel, formatter: "{value}%" } },
    ],
    series: data.series.map((each) => {
      const isLine = each.kind === "line";
      const colour = isLine ? c.lines[line++ % 2] : c.bars[bar++ % 2];
      return {
        name: each.name, type: isLine ? "line" : "bar", yAxisIndex: each.unit === "%" ? 1 : 0, connectNulls: false, barMaxWidth: 14, barGap: "10%",
        symbol: "circle", symbolSize: 5, lineStyle: { color: colour, width: 2 }, silent: false,
        itemStyle: isLine ? { color: c.surface, borderColor: colour, borderWidth: 1.5 } : { color: colour },
        data: each.values.map((value, at) => data.partial_last && !isLine && at === each.values.length - 1 ? { value, itemStyle: { color: colour, opacity: 0.45 } } : value),
        markPoint: isLine && data.note ? { symbol: "circle", symbolSize: 9, itemStyle: { color: c.surface, borderColor: c.red, borderWidth: 2 },
          data: [{ coord: [data.note.index, each.values[data.note.index]], value: data.note.text }],
          label: { show: true, position: "top", distance: 8, color: c.ink, fontSize: 11, backgroundColor: c.surface, borderColor: c.line, borderWidth: 1, borderRadius: 3, padding: [4, 8], formatter: data.note.text } } : undefined,
      };
    }),
    tooltip: {
      trigger: "axis", renderMode: "richText", backgroundColor: c.surface, borderColor: c.line, textStyle: { color: c.ink, fontSize: 12 }, axisPointer: { type: "shadow" },
      formatter: (items) => [items[0].axisValue, ...items.map((item) => `${item.seriesName}  ${words(item.value ?? null, data.series[item.seriesIndex].unit)}`)].join("\n"),
    },
  };
}

function bars(data, c) {
  return {
    grid: { left: 4, right: 56, top: 4, bottom: 4, containLabel: true },
    xAxis: { type: "value", min: 0, show: false },
    yAxis: { type: "category", inverse: true, data: data.labels, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: c.ink, fontSize: 13 } },
    series: [{ type: "bar", data: data.values, barWidth: 8, itemStyle: { color: c.bars[1] }, cursor: data.urls ? "pointer" : "default",
      label: { show: true, position: "right", color: c.ink2, formatter: (item) => words(item.value, data.unit) } }],
  };
}

function spark(data, c) {
  return {
    grid: { left: 2, right: 4, top: 4, bottom: 4 },
    xAxis: { type: "category", show: false, data: data.values.map((_value, at) => at) },
    yAxis: { type: "value", show: false, scale: true },
    series: [{ type: "line", data: data.values, symbol: "none", lineStyle: { color: c.ink3, width: 1.6 }, silent: true }],
  };
}

const kinds = { trend, bars, spark };
export function draw(box) {
  const source = document.getElementById(box.dataset.source || "");
  if (box.dataset.drawn || !source || typeof echarts === "undefined") return;
  box.dataset.drawn = "1";
  const data = JSON.parse(source.textContent);
  const colours = pick(box);
  const chart = echarts.init(box, null, { renderer: "svg" });
  chart.setOption({ animation: false, textStyle: { fontFamily: colours.font }, ...kinds[box.dataset.chart || "trend"](data, colours) });
  if (data.urls) chart.on("click", (item) => { const url = data.urls[item.dataIndex]; if (url) location.assign(url); });
  new ResizeObserver(() => chart.resize()).observe(box);
}

const all = (root) => [...(root.matches?.("[data-chart]") ? [root] : []), ...root.querySelectorAll("[data-chart]")];
all(document).forEach(draw);
document.addEventListener("htmx:load", (event) => all(event.detail.elt).forEach(draw));
