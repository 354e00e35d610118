// Sorts the table of labels; filters and shows the comments. Text from the data becomes text, never markup.
"use strict";

const PAGE = 50; // comments added at a time
const BARS = 5; // likeliest labels of a comment, shown with its true and predicted ones

const byId = (id) => document.getElementById(id);

/** Return a new element with a class and with children: elements, or strings that become text. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

// --- the table of labels ---

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = make("button", "", head.textContent);
    button.type = "button";
    button.addEventListener("click", () => sortBy(table, heads, column));
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
  });
}

/** Sort by a column: at first names from A to Z and numbers from the highest, then the other way round. */
function sortBy(table, heads, column) {
  const first = column === 0 ? "ascending" : "descending";
  const second = column === 0 ? "descending" : "ascending";
  const order = heads[column].getAttribute("aria-sort") === first ? second : first;
  const sign = order === "ascending" ? 1 : -1;
  const value = (row) => row.cells[column].dataset.value;
  const compare = (a, b) => {
    if (column === 0) return sign * (a < b ? -1 : a > b ? 1 : 0);
    if (a === "" || b === "") return (a === "") - (b === ""); // rows without a number stay last
    return sign * (Number(a) - Number(b));
  };
  const rows = [...table.tBodies[0].rows].sort((a, b) => compare(value(a), value(b)));
  table.tBodies[0].append(...rows);
  heads.forEach((head, index) => head.setAttribute("aria-sort", index === column ? order : "none"));
}

// --- the comments ---

const data = JSON.parse(byId("data").textContent);
const comments = data.comments.map(([id, text, truth, predicted, thousandths]) => ({
  id,
  text,
  truth: new Set(truth),
  predicted: new Set(predicted),
  probabilities: thousandths.map((value) => value / 1000),
  confidence: Math.max(...thousandths) / 1000,
  correct: truth.length === predicted.length && truth.every((label, index) => label === predicted[index]),
}));
let found = comments;
let shown = 0;

function fillSelect(select, nothing) {
  select.append(new Option("any", ""), ...data.labels.map((name, label) => new Option(name, label)));
  select.append(new Option(nothing, "none"));
}

function filter() {
  const holds = (value, labels) =>
    value === "" || (value === "none" ? labels.size === 0 : labels.has(Number(value)));
  const limit = (input, otherwise) => (Number.isNaN(input.valueAsNumber) ? otherwise : input.valueAsNumber);
  const [from, to] = [limit(byId("from"), 0), limit(byId("to"), 1)];
  const [truth, predicted, outcome, order] = ["true", "predicted", "outcome", "order"].map((id) => byId(id).value);
  found = comments.filter(
    (comment) =>
      holds(truth, comment.truth) &&
      holds(predicted, comment.predicted) &&
      (outcome === "" || comment.correct === (outcome === "correct")) &&
      from <= comment.confidence &&
      comment.confidence <= to,
  );
  if (order) {
    const sign = order === "most" ? -1 : 1;
    found.sort((a, b) => sign * (a.confidence - b.confidence));
  }
  shown = 0;
  byId("list").replaceChildren();
  showMore();
}

/** Add the next comments to the list, and return the first of them. */
function showMore() {
  const added = found.slice(shown, shown + PAGE).map(card);
  shown += added.length;
  byId("list").append(...added);
  byId("more").hidden = shown === found.length;
  const count = (number) => number.toLocaleString("en");
  const rest = shown < found.length ? `, the first ${count(shown)} shown` : "";
  byId("status").textContent = `${count(found.length)} of ${count(comments.length)} comments${rest}`;
  return added[0];
}

function card(comment) {
  const outcome = comment.correct ? "✓ correct" : "✗ wrong";
  const head = make(
    "p",
    "head",
    make("span", comment.correct ? "outcome correct" : "outcome wrong", outcome),
    make("span", "id", comment.id),
    make("span", "confidence", `confidence ${comment.confidence.toFixed(3)}`),
  );
  const names = (labels) => [...labels].map((label) => data.labels[label]).join(", ") || "none";
  const sets = make(
    "dl",
    "sets",
    make("div", "", make("dt", "", "true"), make("dd", "", names(comment.truth))),
    make("div", "", make("dt", "", "predicted"), make("dd", "", names(comment.predicted))),
  );
  const order = data.labels.map((_, label) => label);
  order.sort((a, b) => comment.probabilities[b] - comment.probabilities[a]);
  const first = order.filter(
    (label, rank) => rank < BARS || comment.truth.has(label) || comment.predicted.has(label),
  );
  const rest = order.filter((label) => !first.includes(label));
  const text = make("p", "text", comment.text);
  text.dir = "auto";
  const side = make("div", "", bars(comment, first));
  const item = make("li", "", make("div", "", head, text, sets), side);
  item.tabIndex = -1;
  if (rest.length) {
    const summary = make("summary", "", rest.length === 1 ? "the other label" : `the other ${rest.length} labels`);
    const details = make("details", "", summary);
    // Most are never opened.
    details.addEventListener("toggle", () => details.append(bars(comment, rest)), { once: true });
    side.append(details);
  }
  return item;
}

function bars(comment, labels) {
  return make("ul", "bars", ...labels.map((label) => bar(comment, label)));
}

function bar(comment, label) {
  const [truth, predicted] = [comment.truth.has(label), comment.predicted.has(label)];
  const kind = truth ? "true" : predicted ? "extra" : "neither";
  const verdict = truth ? (predicted ? "✓ correct" : "✗ missed") : predicted ? "✗ wrong" : "";
  const [probability, threshold] = [comment.probabilities[label], data.thresholds[label]];
  const fill = make("span", "fill");
  fill.style.width = `${probability * 100}%`;
  const mark = make("span", "mark");
  mark.style.left = `${Math.min(threshold, 1) * 100}%`;
  const track = make("span", "track", fill, mark);
  track.setAttribute("aria-hidden", "true");
  track.title = `threshold ${threshold}`;
  const value = make("span", "p", probability.toFixed(3));
  value.append(make("span", "unseen", `, threshold ${threshold}`));
  const verdictClass = truth && predicted ? "verdict correct" : "verdict";
  return make("li", kind, make("span", "name", data.labels[label]), track, value, make("span", verdictClass, verdict));
}

makeSortable(byId("label-table"));
fillSelect(byId("true"), "no label");
fillSelect(byId("predicted"), "no label");
for (const field of byId("filters").querySelectorAll("select, input")) {
  field.addEventListener(field.tagName === "SELECT" ? "change" : "input", filter);
}
byId("filters").addEventListener("submit", (event) => event.preventDefault());
// The fields have their first values back only after this event.
byId("filters").addEventListener("reset", () => setTimeout(filter));
// Browsers fill fields with what they held before a reload.
window.addEventListener("pageshow", filter);
byId("more").addEventListener("click", () => showMore().focus());
byId("filters").hidden = false;
byId("legend").hidden = false;
