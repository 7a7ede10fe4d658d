"""Measures HTTP and TCP proxies side by side on loopback. See ../README.md."""
