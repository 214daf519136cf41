"""All tasks are handed in before the first result is waited for."""

from concurrent.futures import ProcessPoolExecutor

from stage import use_start_method


def square(number):
    return number * number


if __name__ == "__main__":
    use_start_method()
    with ProcessPoolExecutor(2) as executor:
        futures = [executor.submit(square, number) for number in range(20)]
        total = sum(future.result() for future in futures)
    print(total)
