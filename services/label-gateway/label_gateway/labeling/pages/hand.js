// A hand on the waveform and the spectrogram. A click puts the cursor and selects; a drag draws a mark, also inside
// another; only an edge, or Shift, moves one that is there.

const JITTER_PX = 5; // a hand that moves less has clicked
const REACH_PX = { mouse: 5, pen: 8, touch: 14 }; // how near to an edge is on it

export function listenToHand(plot, { player, view, marks, overlay }) {
  // Where the hand went down, and `drag(by_s, to_s)`: what it then draws, or moves of the mark `id`, one `edge` or all.
  let grip = null;
  let sketch = null;

  const timeAt = ({ clientX }) => {
    const { left, width } = plot.getBoundingClientRect();
    return view.time(Math.min(Math.max((clientX - left) / width, 0), 1));
  };

  function edgeAt(event) {
    const reach_s = ((REACH_PX[event.pointerType] ?? 5) / plot.clientWidth) * view.span_s;
    const isOn = (mark) => mark.id === marks.selected;
    const edges = marks.list.flatMap((mark) =>
      ["onset_s", "offset_s"].map((edge) => ({ mark, edge, away_s: Math.abs(mark[edge] - timeAt(event)) })),
    );
    return edges
      .filter(({ away_s }) => away_s <= reach_s)
      .sort((a, b) => isOn(b.mark) - isOn(a.mark) || a.away_s - b.away_s)[0];
  }

  // Those under a moment, the shortest first.
  function marksAt(time_s) {
    return marks.list
      .filter((mark) => mark.onset_s <= time_s && time_s <= mark.offset_s)
      .sort((a, b) => a.offset_s - a.onset_s - (b.offset_s - b.onset_s));
  }

  function dragOf(event) {
    const found = edgeAt(event);
    if (found) return { id: found.mark.id, edge: found.edge, drag: (by_s) => stretched(found, by_s) };
    const under = event.shiftKey ? marksAt(timeAt(event)) : [];
    const mark = under.find(({ id }) => id === marks.selected) ?? under[0];
    if (mark) return { id: mark.id, drag: (by_s) => moved(mark, by_s) };
    const from_s = timeAt(event);
    return { drag: (_, to_s) => ({ onset_s: Math.min(from_s, to_s), offset_s: Math.max(from_s, to_s) }) };
  }

  // One edge elsewhere; it stops before the other.
  function stretched({ mark, edge }, by_s) {
    const [at_s, shortest_s] = [mark[edge] + by_s, marks.shortest_s];
    if (edge === "onset_s") return { ...mark, onset_s: Math.max(Math.min(at_s, mark.offset_s - shortest_s), 0) };
    return { ...mark, offset_s: Math.min(Math.max(at_s, mark.onset_s + shortest_s), marks.duration_s) };
  }

  // The whole mark elsewhere; it stops at the ends of the audio.
  function moved(mark, by_s) {
    const way_s = Math.min(Math.max(by_s, -mark.onset_s), marks.duration_s - mark.offset_s);
    return { ...mark, onset_s: mark.onset_s + way_s, offset_s: mark.offset_s + way_s };
  }

  function click({ time_s, on }) {
    player.cursor_s = time_s;
    const id = on ? Number(on) : marksAt(time_s)[0]?.id;
    if (id) marks.select(id);
  }

  // An edge is heard where it comes to lie, as after a key.
  function move(mark, edge) {
    if (marks.move(mark.id, mark) && edge) player.hearAround(mark[edge]);
  }

  function letGo() {
    [grip, sketch] = [null, null];
    overlay.sketch(null);
  }

  plot.addEventListener("pointerdown", (event) => {
    if (!player.duration_s || event.button !== 0 || !event.isPrimary) return;
    plot.setPointerCapture(event.pointerId);
    grip = { x: event.clientX, time_s: timeAt(event), on: event.target.closest("[data-mark]")?.dataset.mark, ...dragOf(event) };
  });

  plot.addEventListener("pointermove", (event) => {
    if (!grip) return (plot.style.cursor = player.duration_s && edgeAt(event) ? "ew-resize" : "");
    if (!sketch && Math.abs(event.clientX - grip.x) < JITTER_PX) return;
    const time_s = timeAt(event);
    sketch = grip.drag(time_s - grip.time_s, time_s);
    overlay.sketch(sketch);
  });

  plot.addEventListener("pointerup", () => {
    const [done, drawn] = [grip, sketch];
    letGo();
    if (!done || !player.duration_s) return;
    if (drawn?.id) move(drawn, done.edge);
    else if (drawn) marks.add(drawn.onset_s, drawn.offset_s);
    else click(done);
  });

  // The browser took the gesture, to scroll for example: nothing was meant for the marks.
  plot.addEventListener("pointercancel", letGo);
  player.addEventListener("loaded", letGo);
  // A key deleted what the hand was moving, or was about to.
  marks.addEventListener("change", () => grip?.id && !marks.number(grip.id) && letGo());
}
