// Package brokertest runs real NATS servers inside a test program.
package brokertest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const readyWithin = 2 * time.Minute

// Server starts a server with JetStream that goes when the test ends, and gives its
// address.
func Server(t testing.TB) string {
	t.Helper()
	url, stop, err := Serve(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

// Serve is Server for what is measured outside tests: it keeps what it has in a folder.
func Serve(dir string) (url string, stop func(), err error) { return ServeAt(dir, server.RANDOM_PORT) }

// ServeAt is Serve at a port, for a process that is killed and goes on in another.
func ServeAt(dir string, port int) (url string, stop func(), err error) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		return "", nil, err
	}
	s.Start()
	stop = func() {
		s.Shutdown()
		s.WaitForShutdown()
	}
	if !s.ReadyForConnections(readyWithin) {
		stop()
		return "", nil, fmt.Errorf("the NATS server takes no connection after %v", readyWithin)
	}
	return s.ClientURL(), stop, nil
}

// Cluster is three servers, any of which may die.
type Cluster struct {
	nodes []*node
}

type node struct {
	*server.Server
	t       testing.TB
	options *server.Options
}

// NewCluster starts three servers that keep everything three times.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	const size = 3
	var routes []string
	var ports []int
	for range size {
		port := FreePort(t)
		ports, routes = append(ports, port), append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	c := &Cluster{}
	for i := range size {
		c.nodes = append(c.nodes, start(t, &server.Options{
			ServerName: fmt.Sprintf("node-%d", i), Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]}, Routes: server.RoutesFromStr(strings.Join(routes, ",")),
		}))
	}
	t.Cleanup(func() {
		for _, n := range c.nodes {
			n.stop()
		}
	})
	return c
}

// URL is the address of all servers.
func (c *Cluster) URL() string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, n.ClientURL())
	}
	return strings.Join(out, ",")
}

// Restart ends a server at once and starts it again on what it had stored.
func (c *Cluster) Restart(i int) {
	n := c.nodes[i]
	n.options.Port = n.Addr().(*net.TCPAddr).Port // others know it by that
	n.stop()
	c.nodes[i] = start(n.t, n.options)
}

func start(t testing.TB, o *server.Options) *node {
	t.Helper()
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(readyWithin) {
		t.Fatalf("the NATS server takes no connection after %v", readyWithin)
	}
	return &node{s, t, o}
}

func (n *node) stop() {
	n.Shutdown()
	n.WaitForShutdown()
}

// FreePort is one that nothing listens on now. It is below those that systems give to
// connections, which may take any of theirs until it is listened on.
func FreePort(t testing.TB) int {
	t.Helper()
	const first, end = 10_000, 32_768
	var err error
	for range 100 {
		var l net.Listener
		port := first + rand.IntN(end-first)
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal(err)
	return 0
}
