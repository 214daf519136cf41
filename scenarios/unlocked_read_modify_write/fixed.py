"""Workers add to a shared value under its lock."""

from multiprocessing import Process, Value

from stage import use_start_method


def count(visits):
    for _ in range(5000):
        with visits.get_lock():
            visits.value += 1


if __name__ == "__main__":
    use_start_method()
    visits = Value("i", 0)
    doors = [Process(target=count, args=(visits,), name=f"door-{number}") for number in range(2)]
    for door in doors:
        door.start()
    for door in doors:
        door.join()
    print(visits.value <= 10_000)
