"""A fixed job for CPython that allocates as programs do: containers, strings, objects with cycles, JSON, regex."""

import gc
import json
import re


class Node:
    def __init__(self, key, parent):
        self.key = key
        self.parent = parent
        self.children = []
        self.tags = {"depth": 0 if parent is None else parent.tags["depth"] + 1}


def tree(size):
    root = Node(0, None)
    nodes = [root]
    for key in range(1, size):
        parent = nodes[key * 7919 % len(nodes)]
        node = Node(key, parent)
        parent.children.append(node)
        nodes.append(node)
    return max(node.tags["depth"] for node in nodes)


def words(count):
    text = " ".join(f"word{i * 2654435761 % 7919}-{i % 13}" for i in range(count))
    counts = {}
    for word in re.findall(r"\w+-\d+", text):
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]


def documents(count):
    records = [{"id": i, "name": f"n{i}", "values": list(range(i % 17)), "nested": {"x": i / 7}} for i in range(count)]
    again = json.loads(json.dumps(records))
    return sum(len(record["values"]) for record in again)


def main():
    total = 0
    for _ in range(3):
        total += tree(20_000) + documents(6_000)
        gc.collect()
    for word, count in words(60_000):
        print(word, count)
    print("total", total, len(sorted(str(i) * (i % 9) for i in range(100_000))))


main()
