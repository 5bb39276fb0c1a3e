// What the program computes on an input that the visitor types.
"use strict";

(function () {
  const block = document.getElementById("program");
  if (!block) return;
  const program = JSON.parse(block.textContent);
  const { interpret, select } = globalThis.zooInterpreter;
  const byId = (id) => document.getElementById(id);
  const input = byId("input");
  const error = byId("input-error");
  const SVG = "http://www.w3.org/2000/svg";

  // The tokens of a text: between spaces, or else one character each.
  function parse(text) {
    const known = new Map(program.vocab.map((word, place) => [word, place]));
    const trimmed = text.trim().replace(/^\[|\]$/g, "");
    if (!trimmed) return { problem: `Type 1 to ${program.max_len} tokens.` };
    let words = trimmed.split(/[\s,]+/).filter(Boolean);
    if (words.length === 1 && !known.has(words[0])) words = [...words[0]];
    words = words.map((word) => word.replace(/^(['"])(.+)\1$/, "$2"));
    const strange = words.find((word) => !known.has(word));
    if (strange !== undefined) {
      const some = program.vocab.slice(0, 20).join(", ");
      return { problem: `“${strange}” is not in the vocabulary: ${some}.` };
    }
    if (words.length > program.max_len) {
      const count = `${words.length} tokens`;
      return { problem: `${count} are too many: the model takes ${program.max_len}.` };
    }
    return { words, tokens: words.map((word) => known.get(word)) };
  }

  function update() {
    const parsed = parse(input.value);
    error.textContent = parsed.problem || "";
    input.setAttribute("aria-invalid", parsed.problem ? "true" : "false");
    if (parsed.problem) return;
    const values = interpret(program, parsed.tokens);
    showTrace(parsed.words, values);
    showSelectors(parsed.words, values);
  }

  function element(name, content, className) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (content !== undefined) made.append(content);
    return made;
  }

  function showTrace(words, values) {
    const table = byId("trace").querySelector("table");
    const head = element("tr", scoped("variable", "col"));
    words.forEach((_, i) => head.append(scoped(String(i), "col")));
    const order = program.variables.map((_, i) => i).filter((i) => i !== program.output);
    const rows = [...order, program.output].map((i) => row(i, values[i]));
    table.tHead.replaceChildren(head);
    table.tBodies[0].replaceChildren(...rows);
  }

  function scoped(text, scope) {
    const made = element("th", text);
    made.scope = scope;
    return made;
  }

  function row(place, held) {
    const variable = program.variables[place];
    const name = element("span", variable.name);
    name.title = variable.note || variable.text;
    const made = element("tr", undefined, place === program.output ? "output" : "");
    made.append(scoped(name, "row"));
    for (const value of held) made.append(element("td", shown(variable, value)));
    return made;
  }

  function shown(variable, value) {
    return value < 0 ? "·" : variable.values[value];
  }

  // A matrix for every variable that reads other positions: what its selector selects.
  function showSelectors(words, values) {
    const figures = [];
    program.variables.forEach((variable) => {
      if (!variable.operation.selector) return;
      const chosen = select(program, variable.operation.selector, values, words.length);
      const figure = element("figure", matrix(chosen.rows, words, variable.name));
      figure.append(element("figcaption", `${variable.name} reads from`));
      figures.push(figure);
    });
    byId("selectors").replaceChildren(...figures);
  }

  function matrix(rows, words, name) {
    const size = 26 + 14 * words.length;
    const made = document.createElementNS(SVG, "svg");
    made.setAttribute("viewBox", `0 0 ${size} ${size}`);
    made.setAttribute("width", size);
    made.setAttribute("height", size);
    made.setAttribute("class", "matrix");
    made.setAttribute("role", "img");
    const said = rows.map((row, query) => {
      const keys = row.map((on, key) => (on ? key : -1)).filter((key) => key >= 0);
      return `position ${query} selects ${keys.join(" ") || "none"}`;
    });
    made.setAttribute("aria-label", `Selector of ${name}: ${said.join(", ")}`);
    const cell = (query, key) => `M${26 + 14 * key} ${26 + 14 * query}h13v13h-13z`;
    let all = "";
    let on = "";
    rows.forEach((row, query) =>
      row.forEach((held, key) => {
        if (held) on += cell(query, key);
        else all += cell(query, key);
      })
    );
    made.append(path(all, "grid"), path(on, ""));
    words.forEach((word, i) => {
      made.append(label(word, 33 + 14 * i, 20), label(word, 14, 36 + 14 * i));
    });
    return made;
  }

  function path(d, className) {
    const made = document.createElementNS(SVG, "path");
    made.setAttribute("d", d);
    if (className) made.setAttribute("class", className);
    return made;
  }

  function label(word, x, y) {
    const made = document.createElementNS(SVG, "text");
    made.setAttribute("x", x);
    made.setAttribute("y", y);
    made.textContent = word.slice(0, 2);
    return made;
  }

  function write(words) {
    input.value = words.join(" ");
    update();
  }

  const words = () => input.value.trim().split(/[\s,]+/).filter(Boolean);
  for (const button of document.querySelectorAll("button.token")) {
    button.addEventListener("click", () => {
      const known = parse(input.value).words || words();
      write([...known, button.dataset.token].slice(-program.max_len));
    });
  }
  byId("shorter").addEventListener("click", () => {
    write((parse(input.value).words || words()).slice(0, -1));
  });
  const examples = JSON.parse(byId("examples").textContent);
  let example = 0;
  byId("recorded").addEventListener("click", () => {
    example = (example + 1) % examples.length;
    write(examples[example]);
  });
  byId("random").addEventListener("click", () => {
    const length = 1 + Math.floor(Math.random() * program.max_len);
    const draw = () => program.vocab[Math.floor(Math.random() * program.vocab.length)];
    write(Array.from({ length: Math.max(length, Math.min(3, program.max_len)) }, draw));
  });
  input.addEventListener("input", update);
  update();
})();
