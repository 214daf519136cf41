"""A worker says which record is bad, and goes on."""

from multiprocessing import Process

from stage import use_start_method


def load(records):
    for record in records:
        if not record.isdigit():
            print("not a number:", record)
            continue
        number = int(record)
        print(number + 1)


if __name__ == "__main__":
    use_start_method()
    loader = Process(target=load, args=(["1", "2", "x3", "4"],), name="loader")
    loader.start()
    loader.join()
    print("all records loaded")
