"""A pipeline of three stages; the middle one fails on a frame, and the last waits for its detections for ever.

After RolnickLab/ami-data-companion#140 and python/cpython#87971: nothing ties a queue to the life of its producer.
"""

# hangs: yes
# root: uncaught-exception

from multiprocessing import Process, Queue

from stage import use_start_method


def read_frames(frames, count):
    for number in range(count):
        width = 640 if number != 3 else 0
        frames.put({"number": number, "width": width})
    frames.put(None)


def detect(frames, detections):
    for frame in iter(frames.get, None):
        scale = 1280 // frame["width"]  # expect: uncaught-exception
        detections.put({"frame": frame["number"], "moths": scale + frame["number"]})
    detections.put(None)


def summarize(detections):
    moths = 0
    for detection in iter(detections.get, None):  # expect: queue-get-no-producer waiter
        moths += detection["moths"]
    return moths


if __name__ == "__main__":
    use_start_method()
    frames, detections = Queue(), Queue()
    reader = Process(target=read_frames, args=(frames, 6), name="reader")
    detector = Process(target=detect, args=(frames, detections), name="detector")
    reader.start()
    detector.start()
    print(summarize(detections), "moths")
    reader.join()
    detector.join()
