"""The queue in the database: leases, dispatching, fairness, rate limits, circuit breaker, batch SQL."""
