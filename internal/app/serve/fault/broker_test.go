package fault_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
)

// beBroker is a broker until it is killed.
func beBroker(dir, port string) {
	n, err := strconv.Atoi(port)
	if err == nil {
		_, _, err = brokertest.ServeAt(dir, n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

// startBroker starts a broker in a process of its own; the test's end kills it.
func startBroker(t *testing.T, dir string, port int) *server {
	t.Helper()
	p := &server{exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), brokerAt+"="+strconv.Itoa(port), brokerFolder+"="+dir)
	p.cmd.Stderr = t.Output()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// answers waits until something takes connections at a port.
func answers(t *testing.T, port int) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestABrokerIsKilled has two servers share one broker, which is killed as kill -9 does and
// started again on what it had kept, while events travel by it.
func TestABrokerIsKilled(t *testing.T) {
	t.Parallel()
	kills := 3
	if long() {
		kills = 60
	}
	dir, port, logs := t.TempDir(), brokertest.FreePort(t), folder(t)
	s := newStand(t, storetest.PostgreSQL(t), fmt.Sprintf("sources: [{name: trail, folder: %s}]\n", logs), fmt.Sprintf("nats: {url: 'nats://127.0.0.1:%d'}\n", port))
	all := trail(t, 8, size())
	broker := startBroker(t, dir, port)
	answers(t, port) // a server that finds no broker at its start ends
	s.start()
	s.start()
	s.reads()
	var writing sync.WaitGroup
	writing.Go(func() { deliver(t, all, logs, time.Duration(kills)*1500*time.Millisecond) })
	for range kills {
		time.Sleep(1200 * time.Millisecond)
		broker.kill()
		time.Sleep(300 * time.Millisecond)
		broker = startBroker(t, dir, port)
	}
	writing.Wait()
	s.settles(all, patience())
}

// TestAReceiverThatNeverAnswers has one way of two take each notice and say nothing: the
// other way has everything, and in time.
func TestAReceiverThatNeverAnswers(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	over := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(over) })
	logs := folder(t)
	s := newStand(t, "", fmt.Sprintf("sources: [{name: trail, folder: %s}]\n", logs), "")
	secret := filepath.Join(s.dir, "secret")
	s.write("ways.yaml", fmt.Sprintf("ways:\n- {name: silent, notifier: webhook, settings: {url: %q}, secret_files: {secret: %s}}\n- {name: desk, notifier: webhook, settings: {url: %q}, secret_files: {secret: %[2]s}}\n",
		silent.URL, secret, s.receiver.URL))
	all := trail(t, 9, size())
	s.start()
	s.reads()
	deliver(t, all, logs, 3*time.Second)
	s.settles(all, patience())
	if asked.Load() == 0 {
		t.Error("the silent receiver was never asked: nothing was tried")
	}
}
