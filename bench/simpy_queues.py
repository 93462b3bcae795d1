"""M/M/8 at load 0.8 and least connections over 100 and 1,000 servers in SimPy, as its documentation writes such models.

A line each: the model, requests per CPU second (best of three), mean wait [s].
"""

import random
import sys
import time

import simpy


def station(env, servers, mean, rng, waits):
    arrived = env.now
    with servers.request() as request:
        yield request
        waits.append(env.now - arrived)
        yield env.timeout(rng.expovariate(1.0 / mean))


def mm8(env, requests, rng, waits):
    servers = simpy.Resource(env, capacity=8)
    for _ in range(requests):
        yield env.timeout(rng.expovariate(64.0))
        env.process(station(env, servers, 0.1, rng, waits))


def least(replicas):
    def model(env, requests, rng, waits):
        fleet = [simpy.Resource(env, capacity=1) for _ in range(replicas)]
        for _ in range(requests):
            yield env.timeout(rng.expovariate(8.0 * replicas))
            servers = min(fleet, key=lambda resource: resource.count + len(resource.queue))
            env.process(station(env, servers, 0.1, rng, waits))

    return model


def measure(name, model, requests):
    best, wait = 0.0, 0.0
    for seed in range(3):
        env, waits = simpy.Environment(), []
        env.process(model(env, requests, random.Random(seed), waits))
        before = time.process_time()
        env.run()
        assert len(waits) == requests
        best = max(best, requests / (time.process_time() - before))
        wait += sum(waits) / requests / 3
    print(f"{name} {best:.0f} {wait:.7f}")


if __name__ == "__main__":
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    measure("mm8", mm8, requests)
    measure("least100", least(100), requests)
    # Ten times the servers to look at for each request.
    measure("least1000", least(1_000), requests // 5)
