"""Tests of the harness's own arithmetic: python3 -m unittest discover bench"""

import os
import shutil
import socket
import ssl
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import certificates, held, net, procs, reloads, report, tables, tls, traffic  # noqa: E402
from harness.proxies import HaproxyLike, Nginx  # noqa: E402
from harness.scenarios import SCENARIOS, Column, Target, Traffic  # noqa: E402

H2LOAD = """finished in 3.00s, 17494.00 req/s, 2.65MB/s
requests: 52482 total, 52482 started, 52482 done, 52477 succeeded, {failed} failed, {errored} errored, 0 timeout
status codes: 52477 2xx, 0 3xx, 5 4xx, 0 5xx
traffic: 7.94MB (8326144) total, 1.50MB (1574460) headers (space savings 20.00%), 3.20MB (3358848) data
                     min         max         mean         sd        +/- sd
time for request:      310us     78.69ms     28.59ms      8.11ms    72.03%
time for connect:      310us       1.69s     28.59ms      8.11ms    72.03%
"""
S_TIME = """Collecting connection statistics for 3 seconds
***

{count} connections in 0.27s; 1662.96 connections/user sec, bytes read 42206
{count} connections in 4 real seconds, {mean} bytes read per connection
"""


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

    def test_negative_differences_meet_no_target(self):
        for own, base in ((-0.1, 0.3), (0.1, -0.3), (0.1, 0.0)):
            results = report.Results(self.results().scenario, "T", "base")
            for label, value in (("base", base), ("hapax", own)):
                results.add(label, {column.key: value for column in results.scenario.columns}, [])
            self.assertIsNone(results.ratio("hapax", "user"))
            self.assertEqual(results.verdicts("hapax")[0], "user µs/req: not measured")

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


class Generators(unittest.TestCase):
    def test_h2load_tells_requests_times_and_errors(self):
        result = traffic.h2load_result(H2LOAD.format(failed=5, errored=0))
        self.assertEqual((result["requests"], result["bytes"]), (52482, 3358848))
        self.assertAlmostEqual(result["max_us"], 78690)
        self.assertEqual(result["errors"], {"stream": 0, "status": 5, "timeout": 0})
        self.assertEqual(traffic.h2load_result(H2LOAD.format(failed=8, errored=0))["errors"]["stream"], 3)
        self.assertEqual(traffic.h2load_result(H2LOAD.format(failed=5, errored=2))["errors"]["stream"], 2)
        self.assertIsNone(traffic.h2load_result("Could not resolve host"))

    def test_wrk_without_an_answer_has_no_result(self):
        self.assertIsNone(traffic.wrk_result('RESULT {"requests": 0}'))
        self.assertEqual(traffic.wrk_result('x\nRESULT {"requests": 3}\n'), {"requests": 3})

    def test_new_handshakes_are_added_up_and_wrong_answers_show(self):
        outputs = [S_TIME.format(count=449, mean=94), S_TIME.format(count=1, mean=93)]
        result = tls.total_of(outputs, 94, 3.5)
        self.assertEqual((result["requests"], sum(result["errors"].values())), (450, 1))
        with self.assertRaisesRegex(procs.StartError, "no connection: connect: refused"):
            tls.total_of(["connect: refused\n"], 94, 3.5)


class Handshakes(unittest.TestCase):
    def test_refused_ones_are_excused_once_for_each_connection(self):
        scenario = next(s for s in SCENARIOS if s.name == "tls-resumed")
        for refused, remarks in ((32, []), (33, ["33 status errors"])):
            result = {"requests": 100, "bytes": 6400, "errors": {"status": refused, "read": 0}}
            self.assertEqual(scenario._remarks(result), remarks)


@unittest.skipUnless(shutil.which("openssl"), "no openssl")
class Certificates(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_a_folder_has_certificates_of_all_names_with_their_key(self):
        folder = os.path.join(self.folder, "many")
        certificates.make_many(folder, 12)
        self.assertEqual(len(os.listdir(folder)), 12)
        for number in (0, 11):
            name = certificates.numbered(number)
            path = os.path.join(folder, f"{name}.pem")
            # Raises when the key is not the certificate's.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
            known = ssl._ssl._test_decode_cert(path)
            self.assertEqual(known["subjectAltName"], (("DNS", name),))

    def test_a_client_is_answered_over_tls(self):
        path = certificates.make(os.path.join(self.folder, "one.pem"), "ecdsa")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve():
            with context.wrap_socket(server.accept()[0], server_side=True) as connection:
                held.read_head(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n12345")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.assertEqual(net.get_tls(server.getsockname()[1], "/", timeout=30.0), (200, 5))
        thread.join(30)


class HeldConnections(unittest.TestCase):
    def test_the_answer_to_a_key_is_that_of_rfc_6455(self):
        self.assertEqual(held.accept(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

    def test_messages_come_back_until_the_end(self):
        server = held.EchoServer()
        self.addCleanup(server.close)
        client = held.HeldWebSocket("w", 0.001).open(server.port)
        self.assertTrue(procs.until(lambda: client.done > 5 or client.fault, 30))
        client.close()
        self.assertIsNone(client.fault)

    def answered(self, answers):
        """A held client of a server that gives these answers and closes."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve():
            with server.accept()[0] as connection:
                for answer in answers:
                    held.read_head(connection)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        client = held.HeldHttp("h", 0.001).open(server.getsockname()[1])
        self.assertTrue(procs.until(lambda: client.fault, 30))
        client.close()
        return client.fault

    def test_an_end_or_its_announcement_is_a_fault(self):
        good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
        self.assertIn("after 2 exchanges", self.answered([good, good]))
        last = good.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
        self.assertIn("told 'Connection: close'", self.answered([good, last]))


class Configurations(unittest.TestCase):
    def test_turns_differ_in_as_many_backends_as_asked_for(self):
        texts = [reloads.many_backends(50, turn, 3, "/api", 1).splitlines() for turn in (1, 2)]
        differences = sum(one != other for one, other in zip(*texts, strict=True))
        self.assertEqual(differences, 4)

    def test_addresses_of_entries_are_all_different(self):
        self.assertEqual(tables.address(0x010203), "10.1.2.3")

    def test_every_title_can_be_filled_in(self):
        for scenario in SCENARIOS:
            title = scenario.title.format(backends="1", certificates="2", entries="3")
            self.assertNotIn("{", title)


class Versions(unittest.TestCase):
    def test_short_versions(self):
        line = "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/"
        self.assertEqual(HaproxyLike.short_version(line), "haproxy 2.6.12-1+deb12u4")
        self.assertEqual(Nginx.short_version("nginx version: nginx/1.22.1"), "nginx 1.22.1")


if __name__ == "__main__":
    unittest.main()
