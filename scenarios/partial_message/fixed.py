"""A worker's result is read before the worker is ended."""

from multiprocessing import Event, Process, Queue

from stage import use_start_method


def simulate(results, simulated):
    results.put(bytes(5_000_000))
    simulated.set()


if __name__ == "__main__":
    use_start_method()
    results, simulated = Queue(), Event()
    worker = Process(target=simulate, args=(results, simulated), name="simulation")
    worker.start()
    simulated.wait()
    print(len(results.get(timeout=1)))
    worker.join()
