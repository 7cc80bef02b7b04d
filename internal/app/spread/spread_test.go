package spread_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/app/hunttest"
	"github.com/rootkeep/rootkeep/internal/app/spread"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/stream/broker"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
)

// workerNATS makes the test program a process that takes pieces of hunts.
const workerNATS = "ROOTKEEP_TEST_HUNT_WORKER"

func TestMain(m *testing.M) {
	address := os.Getenv(workerNATS)
	if address == "" {
		os.Exit(m.Run())
	}
	conn, err := broker.Connect(broker.Config{URL: address}, "worker")
	if err == nil {
		fmt.Println("works")
		err = spread.Work(context.Background(), conn, "test", slog.New(slog.NewTextHandler(os.Stderr, nil)))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(3)
}

func connect(t *testing.T, address string) *broker.Conn {
	t.Helper()
	conn, err := broker.Connect(broker.Config{URL: address}, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func startWorker(t *testing.T, address string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), workerNATS+"="+address)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the worker says %q, %v", line, err)
	}
	return c
}

func hunted(t *testing.T, c app.HuntConfig) *report.Hunt {
	t.Helper()
	c.Now, c.Workers = time.Now, 1
	h, err := app.Hunt(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// spreadOut is the same hunt over all processes at the broker.
func spreadOut(t *testing.T, conn *broker.Conn, c app.HuntConfig) *report.Hunt {
	t.Helper()
	c.Now, c.Workers = time.Now, 1
	h, err := spread.New(t.Context(), conn, c, fmt.Sprint("test-", time.Now().UnixNano()), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c.Elsewhere = h
	out, err := app.Hunt(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestASpreadHuntFindsTheSame kills one of two processes while they read: the report is
// that of a plain hunt, to the byte.
func TestASpreadHuntFindsTheSame(t *testing.T) {
	folder := hunttest.Trail(t, 500)
	hunttest.Upload(t, folder)
	address := brokertest.Server(t)
	conn := connect(t, address)
	first, _ := startWorker(t, address), startWorker(t, address)
	c := app.HuntConfig{Paths: []string{"s3://" + hunttest.Bucket + "/AWSLogs"}, Version: "test"}
	plain := hunted(t, c)
	dies := time.AfterFunc(200*time.Millisecond, func() { _ = first.Process.Kill() })
	defer dies.Stop()
	shared := spreadOut(t, conn, c)
	if diff := cmp.Diff(hunttest.Text(t, plain, folder), hunttest.Text(t, shared, folder)); diff != "" {
		t.Errorf("the report (-plain +spread):\n%s", diff)
	}
	if len(shared.Alerts) == 0 || len(shared.Sessions) == 0 || shared.Totals.Duplicates == 0 || shared.Totals.Unread == 0 {
		t.Errorf("%d alerts, %d sessions, %+v: want some of each", len(shared.Alerts), len(shared.Sessions), shared.Totals)
	}
}

func TestOwnRulesAndListsGoAlong(t *testing.T) {
	folder := hunttest.Trail(t, 40)
	hunttest.Upload(t, folder)
	conn := connect(t, brokertest.Server(t))
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("rules/own/quiet.yaml", "title: No user agent\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  agent: {userAgent|exists: true}\n  condition: not agent\nlevel: low\n")
	write("rules/own/many.yaml", "title: Instances\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  selection: {eventName|expand: '%calls%'}\n  condition: selection\nlevel: low\n")
	c := app.HuntConfig{
		Paths: []string{"s3://" + hunttest.Bucket + "/AWSLogs"}, Version: "test", Accounts: []rootkeep.AccountID{"444455556666"},
		Since:       time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC),
		Rules:       app.RuleConfig{Dirs: []string{filepath.Join(dir, "rules")}, OnlyDirs: true, Placeholders: write("values.yaml", "calls: [DescribeInstanceStatus]\n")},
		ThreatLists: []string{write("threats.txt", "203.0.113.0/24\n")},
	}
	plain, shared := hunted(t, c), spreadOut(t, conn, c)
	if diff := cmp.Diff(hunttest.Text(t, plain, folder), hunttest.Text(t, shared, folder)); diff != "" {
		t.Errorf("the report (-plain +spread):\n%s", diff)
	}
	if len(shared.Alerts) == 0 {
		t.Error("own rules matched nothing")
	}
}

func TestWhatIsNotSpread(t *testing.T) {
	hunttest.Upload(t, t.TempDir())
	conn := connect(t, brokertest.Server(t))
	for want, c := range map[string]app.HuntConfig{
		"/var/log: other processes read buckets alone": {Paths: []string{"/var/log"}},
		"that verifies digests":                        {Paths: []string{"s3://trail-logs"}, Keys: []string{"keys.json"}},
		"that is sent to a server":                     {Paths: []string{"s3://trail-logs"}, Memory: &app.Memory{}},
		"NoSuchBucket":                                 {Paths: []string{"s3://no-such-bucket-here"}},
	} {
		if _, err := spread.New(t.Context(), conn, c, "test", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func FuzzKit(f *testing.F) {
	good, err := json.Marshal(map[string]any{"rules": []any{map[string]any{"a/b.yaml": []byte("x")}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(good), `{"geoip":[{"../../x":"eA=="}]}`, `{"threats":[{"/etc/x":"eA=="}]}`, `{"relays":[{}]}`, `{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := filepath.Join(t.TempDir(), "kit")
		_ = spread.Unpack(text, dir)
		if around, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(around) > 1 || len(around) == 1 && around[0].Name() != "kit" {
			t.Errorf("%v, %v: a kit wrote outside its folder", around, err)
		}
	})
}
