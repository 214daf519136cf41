"""The programming guidelines followed: drained before joined, resources handed over, daemons ended, after the documentation.

https://docs.python.org/3/library/multiprocessing.html#programming-guidelines
"""

from multiprocessing import Event, Lock, Process, Queue

from stage import use_start_method


def fill(letters, lock):
    with lock:
        letters.put("X" * 1_000_000)


def watch(stop):
    stop.wait()


if __name__ == "__main__":
    use_start_method()
    letters, lock, stop = Queue(), Lock(), Event()
    watcher = Process(target=watch, args=(stop,), daemon=True)
    writers = [Process(target=fill, args=(letters, lock)) for _ in range(3)]
    for process in [watcher, *writers]:
        process.start()
    print(sum(len(letters.get()) for _ in writers))
    for writer in writers:
        writer.join()
    stop.set()
    watcher.join()
