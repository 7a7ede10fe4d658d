"""Tests of the harness's own arithmetic: python3 -m unittest discover bench"""

import os
import socket
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import net, procs, report  # noqa: E402
from harness.proxies import HaproxyLike, Nginx  # noqa: E402
from harness.scenarios import SCENARIOS, Column, Target, Traffic  # noqa: E402


def reading(user, system, run_ns, threads=("1",)):
    return procs.CpuReading(user, system, run_ns, frozenset(threads))


class CpuTime(unittest.TestCase):
    def test_nanoseconds_give_the_total_and_ticks_the_split(self):
        cpu = procs.cpu_between(reading(10, 10, 0), reading(35, 85, 1_004_000_000))
        self.assertAlmostEqual(cpu.user, 0.251)
        self.assertAlmostEqual(cpu.system, 0.753)

    def test_ticks_count_when_a_thread_has_ended(self):
        before = reading(0, 0, 500, ("1", "2"))
        cpu = procs.cpu_between(before, reading(30, 70, 400, ("1",)))
        self.assertAlmostEqual(cpu.user, 30 / procs.TICKS_PER_SECOND)
        self.assertAlmostEqual(cpu.system, 70 / procs.TICKS_PER_SECOND)

    def test_no_tick_is_no_division_by_zero(self):
        cpu = procs.cpu_between(reading(5, 5, 7), reading(5, 5, 9))
        self.assertEqual((cpu.user, cpu.system), (0.0, 0.0))

    def test_a_program_name_with_blanks_and_brackets(self):
        fields = procs.stat_fields("12 (a b) c) S 1 2 3")
        self.assertEqual(fields, ["S", "1", "2", "3"])

    def test_own_cpu_time_grows(self):
        before = procs.read_cpu(os.getpid())
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        cpu = procs.cpu_between(before, procs.read_cpu(os.getpid()))
        self.assertGreater(cpu.user + cpu.system, 0.05)


class Processes(unittest.TestCase):
    def start(self, *argv):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        core = min(os.sched_getaffinity(0))
        return procs.Process(argv, core, os.path.join(folder.name, "log"))

    def test_stop_ends_children_that_ignore_the_signal(self):
        shell = "trap '' TERM; sleep 60 & trap '' TERM; echo $!; wait"
        with self.start("sh", "-c", shell) as process:
            self.assertTrue(procs.until(process.output, 5))
            child = int(process.output())
            self.assertIn(child, procs.tree(process.pid))
            process.stop(patience=0.1)
        self.assertIsNotNone(process.exit_code())
        self.assertTrue(procs.until(lambda: procs._start_time(child) is None, 5))

    def test_a_program_that_is_not_there(self):
        with self.assertRaisesRegex(procs.StartError, "No such file"):
            self.start("/nonexistent/proxy")

    def test_the_alert_is_preferred_to_the_last_line(self):
        process = self.start("sh", "-c", "echo '[ALERT] no'; echo bye")
        process.wait(5)
        self.assertEqual(process.last_words(), "[ALERT] no")
        process.stop()


class Tables(unittest.TestCase):
    def results(self):
        scenario = Traffic("t", "T", "/64", targets=(Target("user", 0.6), Target("total", 0.5)))
        results = report.Results(scenario, "T", "base")
        for label, user in (("base", (4.0, 2.0, 3.0)), ("hapax", (1.5, 1.0, 9.0))):
            for value in user:
                figures = {column.key: value * 2 for column in scenario.columns}
                results.add(label, figures | {"user": value}, [])
        return results

    def test_medians_and_ratios(self):
        results = self.results()
        self.assertEqual(results.median("base", "user"), 3.0)
        self.assertEqual(results.ratio("hapax", "user"), 0.5)
        self.assertIsNone(results.ratio("nginx", "user"))

    def test_verdicts_state_value_and_limit(self):
        lines = self.results().verdicts("hapax")
        self.assertEqual(lines[0], "user µs/req: ratio 0.50, target at most 0.6: met")
        results = self.results()
        for _ in range(6):
            results.add("hapax", dict.fromkeys(results.samples["base"][0], 50.0), [])
        self.assertTrue(results.verdicts("hapax")[1].endswith("target at most 0.5: missed"))

    def test_a_skip_is_visible(self):
        results = self.results()
        results.skip("nginx", "no module")
        self.assertIn("nginx skipped: no module", report.render(results, markdown=False))

    def test_markdown_rows_have_as_many_cells_as_the_header(self):
        rows = [x for x in report.render(self.results(), True).splitlines() if x[:1] == "|"]
        self.assertEqual(len(rows), 4)
        self.assertEqual(len({row.count("|") for row in rows}), 1)

    def test_every_target_names_a_column(self):
        for scenario in SCENARIOS:
            keys = {column.key for column in scenario.columns}
            for target in scenario.targets:
                self.assertIn(target.key, keys, scenario.name)
                self.assertIsInstance(scenario.columns[0], Column)


class Network(unittest.TestCase):
    def test_the_sink_counts_what_it_reads_and_what_is_dropped(self):
        sink = net.LogSink()
        self.addCleanup(sink.close)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for number in range(3000):
                client.sendto(f"line {number}".encode(), ("127.0.0.1", sink.port))
        self.assertTrue(procs.until(lambda: sink.count() >= 3000, 5))
        self.assertEqual(sink.count(), 3000)
        self.assertTrue(sink.last_line().startswith("line "))

    def test_nothing_listening_is_none(self):
        self.assertIsNone(net.get(net.free_port(), "/64", timeout=1.0))


class Versions(unittest.TestCase):
    def test_short_versions(self):
        line = "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/"
        self.assertEqual(HaproxyLike.short_version(line), "haproxy 2.6.12-1+deb12u4")
        self.assertEqual(Nginx.short_version("nginx version: nginx/1.22.1"), "nginx 1.22.1")


if __name__ == "__main__":
    unittest.main()
