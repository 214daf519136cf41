"""Workers add to a shared value: read it, add, write it, with nothing to keep others from doing so in between."""

from multiprocessing import Process, Value

from stage import use_start_method


def count(visits):
    for _ in range(5000):
        visits.value += 1  # expect: unlocked-read-modify-write verdict=possible


if __name__ == "__main__":
    use_start_method()
    visits = Value("i", 0)
    doors = [Process(target=count, args=(visits,), name=f"door-{number}") for number in range(2)]
    for door in doors:
        door.start()
    for door in doors:
        door.join()
    print(visits.value <= 10_000)
