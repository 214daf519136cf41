"""A list taken out of a manager's dict is a copy: what a worker appends to it, nobody else sees."""

from multiprocessing import Manager, Process

from stage import use_start_method


def enroll(courses, name):
    courses["logic"].append(name)  # expect: managed-value-mutated verdict=likely


if __name__ == "__main__":
    use_start_method()
    with Manager() as manager:
        courses = manager.dict({"logic": []})
        for name in ("ada", "grace"):
            worker = Process(target=enroll, args=(courses, name))
            worker.start()
            worker.join()
        print(courses["logic"])
