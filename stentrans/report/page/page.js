"use strict";
// Draws the linked maps of one gene and puts another in their place; zoom stays.
(() => {
  const told = JSON.parse(document.getElementById("told").textContent);
  const box = document.getElementById("maps");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const [NO_SITE, LOWEST, TOP] = [0, 2, 255];
  let shown = 0;

  /** Numbers that were packed as base64, little-endian as on every machine that shows this. */
  function unpack(text, kind) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new kind(bytes.buffer);
  }

  for (const map of told.maps) {
    map.rows = unpack(map.rows, Uint16Array);
    map.cols = unpack(map.cols, Uint16Array);
    map.origin = unpack(map.origin, Uint8Array);
  }

  /** Values of a gene, unpacked when first looked at. */
  function valuesOf(gene) {
    gene.numbers ??= gene.values.map((packed) => unpack(packed, Float32Array));
    if (gene.sd && !gene.sd.steps) gene.sd.steps = unpack(gene.sd.codes, Uint8Array);
    return gene.numbers;
  }

  function codeOf(value, [low, high]) {
    if (!Number.isFinite(value)) return NO_SITE;
    const share = Math.min(Math.max((value - low) / (high - low), 0), 1);
    return LOWEST + Math.round(share * (TOP - LOWEST));
  }

  /** A raster of one thing per cell; columns and rows exchanged where the screen has them so. */
  function raster(map, make, empty) {
    const [rows, cols] = told.screen.swapped ? [map.shape[1], map.shape[0]] : map.shape;
    const cells = Array.from({ length: rows }, () => new Array(cols).fill(empty));
    for (let site = 0; site < map.rows.length; site++) {
      const what = make(site);
      for (let cell = 0; cell < map.cells; cell++) {
        const [row, col] = [map.rows[site], map.cols[site] + cell];
        if (told.screen.swapped) cells[col][row] = what;
        else cells[row][col] = what;
      }
    }
    return cells;
  }

  const plain = (text) =>
    text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

  /** What the pointer tells of a site. */
  function hover(map, gene, values, index, site) {
    const lines = [`<b>${plain(gene.name)}</b> ${values[site].toPrecision(3)} ${told.unit}`];
    if (index === 1 && gene.sd) {
      const sd = (gene.sd.steps[site] / 255) * gene.sd.top;
      lines.push(`± ${sd.toPrecision(2)} (sd, log scale)`);
    }
    const row = map.row0 + map.rows[site] * map.row_step;
    const col = map.col0 + (map.cols[site] + (map.cells - 1) / 2) * map.col_step;
    lines.push(`row ${Number(row.toFixed(3))}, column ${Number(col.toFixed(3))}`);
    const origin = told.origins[map.origin[site]];
    lines.push(origin.startsWith("predicted") ? origin : `${origin} site`.replace("measured site", "measured spot"));
    return lines.join("<br>");
  }

  function traces(gene) {
    const numbers = valuesOf(gene);
    return told.maps.map((map, index) => {
      const values = numbers[index];
      const axis = index ? String(index + 1) : "";
      const { row, col, swapped } = told.screen;
      const [x0, dx] = swapped ? [map.row0 * row, map.row_step * row] : [map.col0 * col, map.col_step * col];
      const [y0, dy] = swapped ? [map.col0 * col, map.col_step * col] : [map.row0 * row, map.row_step * row];
      return {
        type: "heatmap", x0, dx, y0, dy, xaxis: `x${axis}`, yaxis: `y${axis}`,
        z: raster(map, (site) => codeOf(values[site], gene.limits), NO_SITE),
        text: raster(map, (site) => hover(map, gene, values, index, site), ""),
        hovertemplate: "%{text}<extra></extra>", hoverongaps: false,
        coloraxis: "coloraxis", zsmooth: false, name: map.title, opacity: opacity(),
      };
    });
  }

  /** How much of the tissue shows through. */
  const opacity = () => (told.picture ? Number(slider.value) / 100 : 1);

  function setByName(target, dotted, value) {
    const names = dotted.split(".");
    const last = names.pop();
    names.reduce((inner, name) => (inner[name] ??= {}), target)[last] = value;
  }

  /** The layout of the page's colours and width, with the bar of this gene. */
  function layout(gene) {
    const theme = told.themes[dark.matches ? "dark" : "light"];
    const made = structuredClone(theme.layout);
    const width = box.clientWidth;
    const fitting = theme.layouts.filter((one) => one.width <= width).at(-1) ?? theme.layouts[0];
    for (const [name, value] of Object.entries(fitting.layout)) setByName(made, name, value);
    Object.assign(made.coloraxis.colorbar, { tickvals: gene.ticks.vals, ticktext: gene.ticks.text });
    for (const image of made.images ?? []) image.source = told.picture;
    const known = box._fullLayout;
    if (known?.xaxis) {
      made.xaxis.range = [...known.xaxis.range];
      made.yaxis.range = [...known.yaxis.range];
    }
    return Object.assign(made, { width, uirevision: "one", dragmode: matchMedia("(pointer: coarse)").matches ? false : "pan" });
  }

  const config = {
    scrollZoom: true, displaylogo: false, doubleClick: "reset", showTips: false,
    modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    toImageButtonOptions: { format: "png", scale: 2, filename: "maps" },
  };

  function draw(index) {
    shown = (index + told.genes.length) % told.genes.length;
    const gene = told.genes[shown];
    for (const teller of document.querySelectorAll("[data-gene]"))
      teller.hidden = Number(teller.dataset.gene) !== shown;
    for (const [place, button] of buttons.entries())
      button.setAttribute("aria-pressed", String(place === shown));
    box.setAttribute("aria-label", `Maps of ${gene.name}: ${told.maps.map((map) => map.title).join(", ")}, with one colour scale.`);
    return Plotly.react(box, traces(gene), layout(gene), config);
  }

  /** A small picture of the enhanced map, each cell a pixel. */
  function thumbnail(canvas, gene) {
    const map = told.maps[1];
    const values = valuesOf(gene)[1];
    const codes = raster(map, (site) => codeOf(values[site], gene.limits), NO_SITE);
    const [rows, cols] = [codes.length, codes[0].length];
    const { swapped, left, up, row, col } = told.screen;
    const across = swapped ? map.row_step * row : map.col_step * col;
    const down = swapped ? map.col_step * col : map.row_step * row;
    const unit = Math.min(across, down);
    canvas.width = Math.round((cols * across) / unit);
    canvas.height = Math.round((rows * down) / unit);
    const theme = told.themes[dark.matches ? "dark" : "light"];
    const context = canvas.getContext("2d");
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < cols; c++) {
        if (codes[r][c] === NO_SITE) continue;
        const share = (codes[r][c] - LOWEST) / (TOP - LOWEST);
        context.fillStyle = theme.shades[Math.round(share * (theme.shades.length - 1))];
        const x = left ? cols - 1 - c : c;
        const y = up ? rows - 1 - r : r;
        context.fillRect((x * across) / unit, (y * down) / unit, across / unit + 0.5, down / unit + 0.5);
      }
  }

  const slider = document.getElementById("opacity");
  if (told.picture) {
    slider.closest("label").hidden = false;
    slider.addEventListener("input", () => Plotly.restyle(box, { opacity: opacity() }));
  }

  const buttons = [...document.querySelectorAll("nav.genes button")];
  for (const [index, button] of buttons.entries())
    button.addEventListener("click", () => draw(index));
  const thumbnails = () => {
    for (const [index, button] of buttons.entries())
      thumbnail(button.querySelector("canvas"), told.genes[index]);
  };

  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    draw(shown + step);
    buttons[shown].focus({ preventScroll: true });
    buttons[shown].scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  dark.addEventListener("change", () => { thumbnails(); draw(shown); });
  let waiting = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => draw(shown));
  });

  for (const header of document.querySelectorAll("th[data-sort]"))
    header.addEventListener("click", () => {
      const body = header.closest("table").tBodies[0];
      const at = header.cellIndex;
      const number = (line) => Number.parseFloat(line.cells[at].dataset.value ?? "NaN");
      const lines = [...body.rows].sort((a, b) =>
        header.dataset.sort === "name"
          ? a.cells[at].textContent.localeCompare(b.cells[at].textContent)
          : (number(b) || -9) - (number(a) || -9));
      body.append(...lines);
    });

  thumbnails();
  draw(0);
})();
