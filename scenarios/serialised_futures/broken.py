"""Each result is waited for before the next task is handed in."""

from concurrent.futures import ProcessPoolExecutor

from stage import use_start_method


def square(number):
    return number * number


if __name__ == "__main__":
    use_start_method()
    total = 0
    with ProcessPoolExecutor(2) as executor:
        for number in range(20):
            total += executor.submit(square, number).result()  # expect: serialised-futures
    print(total)
