"""A collector starts one extractor a file, joins them all, and only then reads what they put on the queue.

After log2timeline/plaso#399 and python/cpython#73983: it works with small files, "it even printed done", and then hangs.
"""

# hangs: yes

from multiprocessing import Process, Queue

from stage import use_start_method


class Extractor(Process):
    def __init__(self, path, size, events):
        super().__init__(name=f"extract {path}")
        self.path = path
        self.size = size
        self.events = events

    def run(self):
        found = 0
        for offset in range(0, self.size, 64):
            self.events.put({"path": self.path, "offset": offset, "type": "entry", "text": "x" * 40})
            found += 1
        print(f"{self.path}: {found} events, done", flush=True)


def collect(sources):
    events = Queue()
    extractors = [Extractor(path, size, events) for path, size in sources]
    for extractor in extractors:
        extractor.start()
    for extractor in extractors:
        extractor.join()  # expect: join-before-drain waiter
    timeline = []
    while not events.empty():
        timeline.append(events.get())
    return timeline


if __name__ == "__main__":
    use_start_method()
    timeline = collect([("auth.log", 640), ("syslog", 640_000)])
    print(len(timeline), "events")
