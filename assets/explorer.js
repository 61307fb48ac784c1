/* Explorers on the published page: sliders over a grid that was solved when the book was built.
 *
 * A <raf-explorer> element carries the solved grid (small integers), the figures (Bokeh
 * documents) and the words; raflib/explore/static.py writes it and raflib/explore/spec.py is
 * the twin of the look-ups below. tests/pages/test_explorers_say.py compares the two, state by state.
 * Nothing is interpolated and nothing is fetched: it also works from file://.
 */
(() => {
  "use strict";
  if (customElements.get("raf-explorer")) return;

  // ------------------------------------------------------------------ numbers in words
  const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  const trim = (text) => (text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text);

  /** Twin of spec.format_number: ".2f", ".3g" and ".1%". */
  function formatNumber(value, spec) {
    const match = /^\.(\d+)([fg%])$/.exec(spec);
    if (!match) throw new Error(`format must look like '.2f', '.3g' or '.1%', got '${spec}'`);
    if (!Number.isFinite(value)) throw new Error(`cannot format ${value}: not a finite number`);
    const digits = Number(match[1]);
    let text;
    if (match[2] === "g") text = significant(value, digits);
    else if (match[2] === "%") text = (value * 100).toFixed(digits) + "%";
    else text = value.toFixed(digits);
    if (!text.startsWith("-")) return text;
    return /[1-9]/.test(text) ? "−" + text.slice(1) : text.slice(1);
  }

  function significant(value, digits) {
    if (value === 0) return "0";
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    const exponent = Number(power);
    if (exponent >= -4 && exponent < Math.max(digits, 5)) {
      // The digits are final; only the point moves. toFixed would round a second time.
      const sign = mantissa.startsWith("-") ? "-" : "";
      const figures = mantissa.replace(/[-.]/g, "");
      if (exponent < 0) return trim(`${sign}0.${"0".repeat(-exponent - 1)}${figures}`);
      const padded = figures.padEnd(exponent + 1, "0");
      const whole = padded.slice(0, exponent + 1);
      const rest = padded.slice(exponent + 1);
      return sign + trim(rest ? `${whole}.${rest}` : whole);
    }
    const raised = [...String(exponent)].map((c) => SUPERSCRIPT[c]).join("");
    return `${trim(mantissa)}×10${raised}`;
  }

  // ------------------------------------------------------------------ the solved grid
  const WIDTH = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };

  function unpack(text, type) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return new WIDTH[type](bytes.buffer);
  }

  /** The numbers behind one explorer, and what they look like in a state. No DOM. */
  class Table {
    constructor(spec) {
      this.spec = spec;
      this.controls = new Map(spec.controls.map((c, axis) => [c.name, { ...c, axis }]));
      this.arrays = new Map();
      for (const [name, a] of Object.entries(spec.arrays)) {
        const codes = unpack(a.data, a.type);
        this.arrays.set(name, { ...a, codes, missing: 2 ** (8 * codes.BYTES_PER_ELEMENT) - 1 });
      }
      this.cases = { ...spec.case, codes: unpack(spec.case.data, "u1") };
    }

    start() {
      return Object.fromEntries(this.spec.controls.map((c) => [c.name, c.start]));
    }

    offset(strides, state) {
      let sum = 0;
      this.spec.controls.forEach((c, axis) => (sum += strides[axis] * state[c.name]));
      return sum;
    }

    at(name, state) {
      const array = this.arrays.get(name);
      if (!array) return this.controls.get(name).values[state[name]];
      const code = array.codes[this.offset(array.strides, state)];
      return code === array.missing ? NaN : array.low + code / array.scale;
    }

    along(name, state, over) {
      const points = [];
      for (let i = 0; i < this.controls.get(over).texts.length; i++) {
        points.push(this.at(name, { ...state, [over]: i }));
      }
      return points;
    }

    /** Fill a template; null if one of its values is missing. */
    render(template, state) {
      let missing = false;
      const text = template.replace(/\{(\w+)(?::([^{}]*))?\}/g, (_, name, spec) => {
        if (!this.arrays.has(name)) return this.controls.get(name).texts[state[name]];
        const value = this.at(name, state);
        if (Number.isNaN(value)) {
          missing = true;
          return "";
        }
        return formatNumber(value, spec || ".3g");
      });
      return missing ? null : text;
    }

    reading(state) {
      const which = this.cases.codes[this.offset(this.cases.strides, state)];
      return this.render(this.spec.readings[which], state) ?? this.spec.unsolved;
    }

    /** Data-source columns of every mark of a panel; null for a mark that never moves. */
    draw(panel, state) {
      const drawn = panel.marks.map((mark) => this.drawMark(panel, mark, state));
      const dots = drawn.filter((d, i) => panel.marks[i].kind === "Dot" && panel.marks[i].label);
      const heights = dots.map((d) => d.y[0]).filter((y) => !Number.isNaN(y));
      for (const dot of dots) placeWords(panel, dot, Math.max(...heights));
      return drawn;
    }

    drawMark(panel, mark, state) {
      const pinned = { ...state, ...mark.at };
      if (mark.kind === "Curve") {
        return { x: this.along(mark.x, pinned, mark.over), y: this.along(mark.y, pinned, mark.over) };
      }
      if (mark.kind === "Dot") {
        let [x, y] = [this.at(mark.x, pinned), this.at(mark.y, pinned)];
        const gap = Number.isNaN(x) || Number.isNaN(y);
        if (gap) [x, y] = [NaN, NaN];
        const text = gap ? "" : (this.render(mark.label, pinned) ?? "");
        return { x: [x], y: [y], ...words([text], 1, 9, -13) };
      }
      if (mark.kind === "Rule") {
        const x = this.at(mark.x, pinned);
        const side = across(panel, x) > 0.5 ? -1 : 1;
        return { x: [x, x], y: [...panel.y_range], ...words(["", mark.label], side, 5 * side, 15) };
      }
      return null;
    }
  }

  function words(text, side, dx, dy) {
    const align = side > 0 ? "left" : "right";
    return { text, align: text.map(() => align), dx: text.map(() => dx), dy: text.map(() => dy) };
  }

  /** Words go above the highest dot and below the others, so that they keep apart. */
  function placeWords(panel, dot, top) {
    const [x, y] = [dot.x[0], dot.y[0]];
    if (Number.isNaN(y)) return;
    let dx = across(panel, x) > 0.5 ? -1 : 1;
    let dy = y >= top ? 1 : -1;
    if (dy < 0 && up(panel, y) < 0.12) {
      if (up(panel, top) - up(panel, y) < 0.15 && across(panel, x) > 0.15) dx = -dx;
      dy = 1;
    }
    Object.assign(dot, words(dot.text, dx, 9 * dx, -13 * dy));
  }

  function across(panel, x) {
    const [low, high] = panel.x_range;
    return panel.x_log ? Math.log(x / low) / Math.log(high / low) : (x - low) / (high - low);
  }

  function up(panel, y) {
    const [low, high] = panel.y_range;
    return (y - low) / (high - low);
  }

  // ------------------------------------------------------------------ the element
  function make(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  /** Put text into a node, with italic Greek letters and subscripts. Twin of static.rich. */
  function write(node, text) {
    node.replaceChildren();
    text = text.replace(/ ([=→]) /g, "\u00a0$1\u00a0");
    let end = 0;
    for (const match of text.matchAll(/\b([A-Za-zα-ω])_([a-z]+)|[α-ω]/g)) {
      node.append(text.slice(end, match.index), make("i", "", match[1] ?? match[0]));
      if (match[2]) node.append(make("sub", "", match[2]));
      end = match.index + match[0].length;
    }
    node.append(text.slice(end));
    return node;
  }

  class RafExplorer extends HTMLElement {
    connectedCallback() {
      if (this.table) return;
      // The parser may still be inside this element: wait until its data is there.
      if (document.readyState === "loading") {
        document.addEventListener("DOMContentLoaded", () => this.connectedCallback(), { once: true });
        return;
      }
      if (!window.Bokeh) {
        console.error(`explorer ${this.getAttribute("name")}: Bokeh is not loaded; showing the still picture`);
        return;
      }
      const spec = JSON.parse(this.querySelector('script[type="application/json"]').textContent);
      this.table = new Table(spec);
      this.state = this.table.start();
      this.inputs = new Map();
      this.ready = this.build(spec);
    }

    async build(spec) {
      this.readingNode = this.querySelector(".raf-reading");
      this.readingNode.before(this.buildControls(spec));
      this.append(this.buildStatus());
      const stage = this.querySelector(".raf-stage");
      const views = spec.panels.map((panel) => this.buildPanel(stage, panel, spec));
      this.sources = await Promise.all(views);
      this.classList.add("raf-alive");
    }

    buildPanel(stage, panel, spec) {
      const box = make("figure", "raf-panel");
      const legend = make("div", "raf-legend");
      for (const entry of panel.legend) {
        const item = make("span", "raf-legend-item");
        item.style.color = entry.colour;
        const line = make("i", `raf-line raf-${entry.dash}`);
        line.style.borderColor = entry.colour;
        item.append(line, write(make("span"), entry.label));
        legend.append(item);
      }
      const top = make("div", "raf-top");
      top.append(write(make("span", "raf-label"), panel.y_label), legend);
      const plot = make("div", "raf-plot");
      plot.setAttribute("role", "img");
      plot.setAttribute("aria-label", spec.alt);
      box.append(top, plot, write(make("div", "raf-label raf-below"), panel.x_label));
      stage.append(box);
      return window.Bokeh.embed.embed_item(panel.figure, plot).then((manager) => {
        const view = manager.roots[0];
        const doc = view.model.document;
        if (panel.drag_x) this.followPointer(plot, panel, view);
        return panel.marks.map((mark, i) =>
          mark.kind === "Note" ? null : doc.get_model_by_name(`mark-${i}`)
        );
      });
    }

    /** Let the pointer move what the panel's axes show. The sliders do the same by keyboard. */
    followPointer(plot, panel, view) {
      const move = (event) => {
        const box = plot.getBoundingClientRect();
        const { left, right, top, bottom } = view.frame.bbox;
        const changes = {};
        const x = (event.clientX - box.left - left) / (right - left);
        changes[panel.drag_x] = this.nearest(panel.drag_x, x, (v) => across(panel, v));
        if (panel.drag_y) {
          const y = (bottom - (event.clientY - box.top)) / (bottom - top);
          changes[panel.drag_y] = this.nearest(panel.drag_y, y, (v) => up(panel, v));
        }
        this.moveTo(changes);
      };
      plot.classList.add("raf-drag");
      plot.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        plot.setPointerCapture(event.pointerId);
        move(event);
      });
      plot.addEventListener("pointermove", (event) => {
        if (plot.hasPointerCapture(event.pointerId)) move(event);
      });
    }

    nearest(name, target, place) {
      const gaps = this.table.controls.get(name).values.map((v) => Math.abs(place(v) - target));
      return gaps.indexOf(Math.min(...gaps));
    }

    buildControls(spec) {
      const form = make("form", "raf-controls"); // a form of its own: radio groups end at its border
      form.setAttribute("aria-label", `Controls of the explorer ${spec.name}`);
      form.addEventListener("submit", (event) => event.preventDefault());
      for (const control of spec.controls) {
        if (control.hidden) continue;
        form.append(control.values ? this.buildSlider(control) : this.buildChoice(control));
      }
      const reset = make("button", "raf-reset", "Reset");
      reset.type = "button";
      reset.setAttribute("aria-label", "Reset all controls of this explorer");
      reset.addEventListener("click", () => this.moveTo(this.table.start()));
      const tools = make("div", "raf-tools");
      tools.append(reset);
      if (spec.panels.some((panel) => panel.drag_x)) {
        tools.append(make("span", "raf-hint", "You can also drag in the figure."));
      }
      form.append(tools);
      return form;
    }

    buildName(control) {
      const name = make("span", "raf-name", control.label);
      if (control.symbol) name.append(" ", make("i", "raf-symbol", control.symbol));
      return name;
    }

    buildSlider(control) {
      const row = make("label", "raf-control");
      const input = make("input");
      Object.assign(input, { type: "range", min: 0, max: control.texts.length - 1, step: 1 });
      input.name = control.name;
      const value = make("span", "raf-value");
      value.setAttribute("aria-hidden", "true"); // not a part of the name; aria-valuetext says it
      row.append(this.buildName(control), value, input);
      input.addEventListener("input", () => this.moveTo({ [control.name]: input.valueAsNumber }));
      const show = (index) => {
        input.value = index;
        value.textContent = control.texts[index];
        input.setAttribute("aria-valuetext", control.texts[index]);
        input.style.setProperty("--done", `${(100 * index) / (control.texts.length - 1)}%`);
      };
      this.inputs.set(control.name, show);
      show(control.start);
      return row;
    }

    buildChoice(control) {
      const group = make("fieldset", "raf-control raf-choice");
      const legend = make("legend");
      legend.append(this.buildName(control));
      const row = make("div", "raf-options");
      const buttons = control.texts.map((text, index) => {
        const label = make("label");
        const input = make("input");
        Object.assign(input, { type: "radio", name: control.name, value: text });
        input.addEventListener("change", () => this.moveTo({ [control.name]: index }));
        label.append(input, make("span", "", text));
        row.append(label);
        return input;
      });
      group.append(legend, row);
      const show = (index) => (buttons[index].checked = true);
      this.inputs.set(control.name, show);
      show(control.start);
      return group;
    }

    buildStatus() {
      // Announced when the reader pauses: a screen reader is not flooded while a slider moves.
      this.status = make("div", "raf-status");
      this.status.setAttribute("role", "status");
      this.status.setAttribute("aria-live", "polite");
      return this.status;
    }

    /** Go to the given grid positions; controls that are left out stay where they are. */
    moveTo(changes) {
      this.state = { ...this.state, ...changes };
      for (const [name, show] of this.inputs) show(this.state[name]);
      write(this.readingNode, this.table.reading(this.state));
      clearTimeout(this.pause);
      this.pause = setTimeout(() => (this.status.textContent = this.readingNode.textContent), 600);
      this.ready.then(() => this.redraw());
    }

    redraw() {
      this.table.spec.panels.forEach((panel, p) => {
        this.table.draw(panel, this.state).forEach((columns, i) => {
          if (columns) this.sources[p][i].data = columns;
        });
      });
    }
  }

  RafExplorer.formatNumber = formatNumber;
  customElements.define("raf-explorer", RafExplorer);
})();
