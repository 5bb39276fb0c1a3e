// The interpreter of RASP programs: the values of every variable on an input.
//
// A program is the tables of a release's program.json. Values are places in the domain
// of their variable, -1 where a value is undefined; compiler/ir/interpret.py has the
// same definition in Python, and the tests compare the two.
"use strict";

(function (root) {
  // The values of every variable at every position, for tokens given as places in the
  // vocabulary: values[variable][position].
  function interpret(program, tokens) {
    const values = [];
    for (const variable of program.variables) {
      values.push(compute(program, variable.operation, values, tokens));
    }
    return values;
  }

  function compute(program, operation, values, tokens) {
    const n = tokens.length;
    switch (operation.kind) {
      case "input":
        if (operation.source === "tokens") return tokens.slice();
        return tokens.map((_, i) => (operation.source === "indices" ? i : n - 1));
      case "constant":
        return tokens.map(() => 0);
      case "table":
        return tokens.map((_, i) => lookUp(operation, values, i));
    }
    const chosen = select(program, operation.selector, values, n);
    return chosen.rows.map((row, query) => {
      if (!chosen.clear[query]) return -1;
      const keys = [];
      for (let key = 0; key < n; key++) if (row[key]) keys.push(key);
      if (operation.kind === "width") return operation.lookup[keys.length];
      const held = keys.map((key) => values[operation.value][key]);
      return operation.kind === "mean" ? mean(operation, held) : pick(operation, held);
    });
  }

  function lookUp(operation, values, position) {
    let entry = operation.table;
    for (const variable of operation.args) {
      const value = values[variable][position];
      if (value < 0) return -1;
      entry = entry[value];
    }
    return entry;
  }

  // Which positions a selector selects: rows[query][key], and clear[query], which is
  // false where a value that is compared is undefined.
  function select(program, selector, values, n) {
    const found = [];
    atoms(selector, found);
    const undefinedAt = (variable, last) => {
      for (let key = 0; key <= last; key++) if (values[variable][key] < 0) return true;
      return false;
    };
    const rows = [];
    const clear = [];
    for (let query = 0; query < n; query++) {
      const last = program.causal ? query : n - 1;
      const row = [];
      for (let key = 0; key < n; key++) {
        row.push(key <= last && holds(selector, values, key, query));
      }
      rows.push(row);
      clear.push(
        found.every((a) => values[a.query][query] >= 0 && !undefinedAt(a.key, last))
      );
    }
    return { rows, clear };
  }

  function atoms(selector, found) {
    if (selector.kind === "select") found.push(selector);
    for (const part of selector.parts || []) atoms(part, found);
  }

  function holds(selector, values, key, query) {
    switch (selector.kind) {
      case "everything":
        return true;
      case "nothing":
        return false;
      case "select": {
        const left = values[selector.key][key];
        const right = values[selector.query][query];
        return left >= 0 && right >= 0 && selector.allowed[left][right] === "1";
      }
      case "not":
        return !holds(selector.parts[0], values, key, query);
      case "and":
        return selector.parts.every((part) => holds(part, values, key, query));
      default:
        return selector.parts.some((part) => holds(part, values, key, query));
    }
  }

  function mean(operation, held) {
    if (held.some((value) => value < 0 || operation.numeric[0][value] !== "1")) return -1;
    if (held.length === 0) return operation.default;
    const row = operation.lookup[held.length];
    let total = -operation.lowest;
    for (const value of held) total += operation.numerators[value];
    return row[Math.min(Math.max(total, 0), row.length - 1)];
  }

  function pick(operation, held) {
    const picked = held.map((value) => (value < 0 ? -1 : operation.recode[value]));
    if (picked.some((value) => value < 0)) return -1;
    if (picked.length === 0) return operation.default;
    const low = Math.min(...picked);
    const high = Math.max(...picked);
    switch (operation.rule) {
      case "unique":
      case "one_or_mean":
        return low === high ? low : -1;
      case "min":
        return low;
      case "max":
        return high;
      case "first":
        return picked[0];
      case "last":
        return picked[picked.length - 1];
      default:
        return mostFrequent(picked);
    }
  }

  // The value that occurs most often; of several the first in the domain.
  function mostFrequent(picked) {
    const counts = new Map();
    for (const value of picked) counts.set(value, (counts.get(value) || 0) + 1);
    const most = Math.max(...counts.values());
    return Math.min(...[...counts.keys()].filter((value) => counts.get(value) === most));
  }

  root.zooInterpreter = { interpret, select };
})(globalThis);
