# The job of python-threads.fltrace: two threads make messages, two others encode, decode and drop them.
import json
import queue
import threading

messages = queue.Queue(64)
counts = queue.Queue()


def produce(seed):
    for i in range(800):
        messages.put({"id": i * seed, "tags": ["t%d" % (i % j) for j in range(1, 8)], "body": "x" * (i * 37 % 900)})
    messages.put(None)


def consume():
    seen = 0
    while (message := messages.get()) is not None:
        seen += len(json.loads(json.dumps(message))["tags"])
    counts.put(seen)


threads = [threading.Thread(target=produce, args=(seed,)) for seed in (1, 2)]
threads += [threading.Thread(target=consume) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(counts.get() + counts.get())
