// The circuit: nodes and edges that can be chosen, and edges patched by degrees.
"use strict";

(function () {
  const block = document.getElementById("circuit-data");
  if (!block) return;
  const data = JSON.parse(block.textContent);
  const byId = (id) => document.getElementById(id);
  const picture = document.querySelector("svg.circuit");
  const edges = new Map(data.edges.map((edge) => [edge.name, edge]));
  const patchable = data.edges.filter((edge) => edge.witness);
  const menu = byId("edge");
  const slider = byId("degree");
  let pinned = null;

  function element(name, content, className) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (content !== undefined) made.append(content);
    return made;
  }

  const share = (value) => value.toFixed(4);
  const parts = (kind) => [...picture.querySelectorAll(`[data-${kind}]`)];
  const ends = (name) => {
    const [source, reader] = name.split("->");
    return [source, reader.split("<")[0]];
  };

  // Choosing ------------------------------------------------------------------------

  function show(part) {
    const edge = part && part.dataset.edge;
    const node = part && part.dataset.node;
    byId("chosen").replaceChildren(
      ...(edge ? aboutEdge(edges.get(edge)) : node ? aboutNode(node) : hint())
    );
    mark(edge, node);
  }

  function hint() {
    return [
      element("h3", "Nothing chosen"),
      element(
        "p",
        "Point at a node for its variables, or at an edge for what it carries and a " +
          "pair of inputs that shows its effect. A click keeps the choice; Escape " +
          "ends it.",
        "quiet"
      ),
    ];
  }

  function mark(edge, node) {
    picture.classList.toggle("choosing", Boolean(edge || node));
    for (const part of parts("edge")) {
      const [source, target] = ends(part.dataset.edge);
      part.classList.toggle("chosen", part.dataset.edge === edge);
      part.classList.toggle("near", source === node || target === node);
    }
    const near = new Set(edge ? ends(edge) : []);
    const sources = new Set(edge ? [ends(edge)[0]] : [node]);
    for (const name of edges.keys()) {
      const [source, target] = ends(name);
      if (target === node) sources.add(source);
      if (source === node) near.add(target);
      if (target === node) near.add(source);
    }
    for (const part of parts("node")) {
      part.classList.toggle("chosen", part.dataset.node === node);
      part.classList.toggle("near", near.has(part.dataset.node));
    }
    for (const part of parts("wire")) {
      part.classList.toggle("near", sources.has(part.dataset.wire));
    }
  }

  function list(rows) {
    const made = element("dl");
    for (const [name, value] of rows) {
      const line = element("div", element("dt", name));
      line.append(element("dd", value));
      made.append(line);
    }
    return made;
  }

  function titled(text, kind) {
    const made = element("h3", `${kind} `);
    made.append(element("code", text));
    return made;
  }

  function aboutEdge(edge) {
    const [found, low, high] = edge.effect;
    const rows = [
      ["carries", edge.carries.join(", ") || "nothing with a name"],
      ["effect", `${share(found)} of outputs change (${share(low)} to ${share(high)})`],
      ["kept right", share(edge.restored)],
      ["status", edge.status],
    ];
    const witness = edge.witness;
    if (witness) {
      const shift = witness.shift ? `, positions shifted by ${witness.shift}` : "";
      rows.push(
        ["input", element("code", witness.base.join(" "))],
        ["donor", element("code", witness.donor.join(" ") + shift)],
        ["outputs", element("code", witness.outputs[0].join(" "))],
        ["patched", element("code", witness.outputs.at(-1).join(" "))]
      );
    }
    return [titled(edge.name, "Edge"), list(rows)];
  }

  function aboutNode(name) {
    const variables = data.nodes[name] || [];
    const made = [titled(name, "Node")];
    for (const variable of variables) {
      const rows = [["variable", element("code", variable.name)]];
      if (variable.note) rows.push(["meaning", variable.note]);
      if (variable.text) rows.push(["definition", element("code", variable.text)]);
      if (variable.values) rows.push(["values", variable.values]);
      made.push(list(rows));
    }
    if (!variables.length) {
      const role = name === "logits" ? "The output is read here." : "It has no variable.";
      made.push(element("p", role, "quiet"));
    }
    return made;
  }

  function pin(part) {
    pinned = pinned === part ? null : part;
    show(pinned);
    if (pinned && pinned.dataset.edge) chooseEdge(pinned.dataset.edge);
  }

  for (const part of picture.querySelectorAll(".part")) {
    part.addEventListener("pointerenter", () => show(part));
    part.addEventListener("pointerleave", () => show(pinned));
    part.addEventListener("focus", () => show(part));
    part.addEventListener("blur", () => show(pinned));
    part.addEventListener("click", () => pin(part));
    part.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      pin(part);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    pinned = null;
    show(null);
  });

  // Patching ------------------------------------------------------------------------

  function chooseEdge(name) {
    if (!patchable.some((edge) => edge.name === name)) return;
    menu.value = name;
    slider.value = slider.max;
    prepare();
  }

  // How many outputs an edge's witness changes: the page begins with the most telling.
  function changes(edge) {
    const outputs = edge.witness.outputs;
    return outputs.at(-1).filter((value, i) => value !== outputs[0][i]).length;
  }

  function prepare() {
    const witness = edges.get(menu.value).witness;
    const steps = witness.outputs.length - 1;
    const last = Number(slider.value) === Number(slider.max);
    slider.max = String(steps);
    if (last) slider.value = slider.max;
    patch();
  }

  function degree(witness, step) {
    return witness.outputs.length === data.degrees.length
      ? data.degrees[step]
      : step / (witness.outputs.length - 1);
  }

  function patch() {
    const { witness } = edges.get(menu.value);
    const step = Number(slider.value);
    const percent = `${Math.round(100 * degree(witness, step))} %`;
    byId("degree-shown").textContent = percent;
    slider.setAttribute("aria-valuetext", percent);
    const [clean, now] = [witness.outputs[0], witness.outputs[step]];
    const table = element("table");
    const body = table.createTBody();
    body.append(line("input", witness.base), line("donor", witness.donor));
    body.append(line("output", clean), line("patched", now, clean));
    byId("patched").replaceChildren(table);
    const changed = now.filter((value, i) => value !== clean[i]).length;
    const shift = witness.shift
      ? ` The donor's positions are shifted by ${witness.shift}.`
      : "";
    byId("patch-note").textContent =
      `${changed} of ${clean.length} outputs changed.${shift} These outputs were ` +
      "recorded from the model; the page does not run it.";
  }

  function line(name, values, before) {
    const head = element("th", name);
    head.scope = "row";
    const made = element("tr", head);
    values.forEach((value, i) => {
      const changed = before !== undefined && before[i] !== value;
      made.append(element("td", value, changed ? "changed" : ""));
    });
    return made;
  }

  for (const edge of patchable) menu.add(new Option(edge.name, edge.name));
  if (patchable.length) {
    menu.addEventListener("change", () => {
      prepare();
      const part = parts("edge").find((p) => p.dataset.edge === menu.value);
      pinned = part || null;
      show(pinned);
    });
    slider.addEventListener("input", patch);
    menu.value = patchable.reduce((a, b) => (changes(b) > changes(a) ? b : a)).name;
    slider.max = String(patchable[0].witness.outputs.length - 1);
    slider.value = slider.max;
    prepare();
  } else {
    document.querySelector(".patch").hidden = true;
  }

  // Circuits in turn ----------------------------------------------------------------

  const turns = [...document.querySelectorAll("button[data-circuit]")];
  for (const button of turns) {
    button.addEventListener("click", () => {
      for (const other of turns) other.setAttribute("aria-pressed", String(other === button));
      const place = Number(button.dataset.circuit);
      const kept = place < 0 ? null : new Set(data.circuits[place].edges);
      const used = new Set([...(kept || [])].flatMap(ends));
      for (const part of parts("edge")) {
        part.classList.toggle("absent", kept !== null && !kept.has(part.dataset.edge));
      }
      for (const part of parts("node")) {
        part.classList.toggle("absent", kept !== null && !used.has(part.dataset.node));
      }
      for (const part of parts("wire")) {
        part.classList.toggle("absent", kept !== null && !used.has(part.dataset.wire));
      }
    });
  }

  show(null);
})();
