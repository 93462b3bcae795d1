"""M/M/8 at load 0.8 and least connections over 100 servers in SimPy, as its documentation writes such models; requests per CPU second."""

import random
import sys
import time

import simpy


def station(env, servers, mean, rng, done):
    with servers.request() as request:
        yield request
        yield env.timeout(rng.expovariate(1.0 / mean))
    done.append(env.now)


def mm8(env, requests, rng, done):
    servers = simpy.Resource(env, capacity=8)
    for _ in range(requests):
        yield env.timeout(rng.expovariate(64.0))
        env.process(station(env, servers, 0.1, rng, done))


def least(env, requests, rng, done):
    fleet = [simpy.Resource(env, capacity=1) for _ in range(100)]
    for _ in range(requests):
        yield env.timeout(rng.expovariate(800.0))
        servers = min(fleet, key=lambda resource: resource.count + len(resource.queue))
        env.process(station(env, servers, 0.1, rng, done))


def measure(model, requests):
    best = 0.0
    for seed in range(3):
        env, done = simpy.Environment(), []
        env.process(model(env, requests, random.Random(seed), done))
        before = time.process_time()
        env.run()
        assert len(done) == requests
        best = max(best, requests / (time.process_time() - before))
    return best


if __name__ == "__main__":
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"mm8 {measure(mm8, requests):.0f}")
    print(f"least {measure(least, requests):.0f}")
