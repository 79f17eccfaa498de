interface QueuedEvent<Event> {
  readonly at: number;
  readonly order: number;
  readonly event: Event;
}

/** A queue of timed events, as a binary heap. Events with the same time keep their order. */
export class EventQueue<Event> {
  readonly #heap: QueuedEvent<Event>[] = [];
  #added = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Time of the next event, in milliseconds; `undefined` if the queue is empty. */
  get nextAt(): number | undefined {
    return this.#heap[0]?.at;
  }

  add(at: number, event: Event): void {
    const heap = this.#heap;
    const added = { at, order: this.#added++, event };
    let index = heap.length;
    heap.push(added);
    while (index > 0) {
      const parent = heap[(index - 1) >> 1];
      if (parent === undefined || !isBefore(added, parent)) break;
      heap[index] = parent;
      index = (index - 1) >> 1;
    }
    heap[index] = added;
  }

  /** Removes and returns the next event. */
  take(): { readonly at: number; readonly event: Event } | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = heap[2 * index + 1];
      if (child === undefined) break;
      let childIndex = 2 * index + 1;
      const right = heap[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(left: QueuedEvent<unknown>, right: QueuedEvent<unknown>): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}
