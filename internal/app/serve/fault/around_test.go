package fault_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
)

// deliver leaves objects in a folder within a time.
func deliver(t *testing.T, all []object, folder string, within time.Duration) {
	for _, o := range all {
		o.put(t, folder)
		time.Sleep(within / time.Duration(len(all)))
	}
}

// patience is how long what broke may take to be right again.
func patience() time.Duration {
	if long() {
		return 15 * time.Minute
	}
	return 10 * time.Minute // what a dead reader hid comes back after two minutes, and a bucket is asked each half
}

func size() int {
	if long() {
		return 1000
	}
	return 60
}

// proxy stands between a server and PostgreSQL.
type proxy struct {
	net.Listener
	delay  atomic.Int64 // nanoseconds, before what the server sends
	closed atomic.Bool  // new connections end at once

	mu   sync.Mutex // guards open
	open map[net.Conn]bool
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, open: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.forward(c)
		}
	}()
	return p
}

func (p *proxy) forward(client net.Conn) {
	defer client.Close()
	if p.closed.Load() {
		return
	}
	database, err := net.Dial("unix", storetest.Socket())
	if err != nil {
		return
	}
	defer database.Close()
	p.mu.Lock()
	p.open[client] = true
	p.mu.Unlock()
	go func() {
		_, _ = io.Copy(database, client) // until either ends
		database.Close()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := database.Read(buffer)
		time.Sleep(time.Duration(p.delay.Load()))
		if _, bad := client.Write(buffer[:n]); err != nil || bad != nil {
			return
		}
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
	clear(p.open)
}

// through is the address of a database by way of the proxy.
func (p *proxy) through(address string) string {
	_, rest, _ := strings.Cut(address, "@/")
	name, _, _ := strings.Cut(rest, "?")
	return fmt.Sprintf("postgres://rootkeep@%s/%s?sslmode=disable", p.Addr(), name)
}

func TestADatabaseThatIsCutAndSlow(t *testing.T) {
	t.Parallel()
	address, p, logs := storetest.PostgreSQL(t), newProxy(t), folder(t)
	s := newStand(t, p.through(address), fmt.Sprintf("sources: [{name: trail, folder: %s}]\n", logs), "")
	all := trail(t, 3, size())
	s.start()
	s.reads()
	var writing sync.WaitGroup
	writing.Go(func() { deliver(t, all, logs, 6*time.Second) })
	for i := range 6 {
		time.Sleep(700 * time.Millisecond)
		p.delay.Store(int64(time.Duration(i%3) * 10 * time.Millisecond))
		p.closed.Store(i%2 == 0)
		p.cut()
		time.Sleep(300 * time.Millisecond)
		p.closed.Store(false)
	}
	p.delay.Store(0)
	writing.Wait()
	s.settles(all, patience())
}

func TestAnotherProcessKeepsTheFileOfTheStore(t *testing.T) {
	t.Parallel()
	logs := folder(t)
	s := newStand(t, "", fmt.Sprintf("sources: [{name: trail, folder: %s}]\n", logs), "")
	all := trail(t, 4, size())
	s.start()
	s.reads()
	var writing sync.WaitGroup
	writing.Go(func() { deliver(t, all, logs, 5*time.Second) })
	for n, end := 0, time.Now().Add(patience()); n < 3; time.Sleep(200 * time.Millisecond) {
		err := s.store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE root_source SET heard = heard`)
			time.Sleep(1500 * time.Millisecond)
			return err
		})
		switch {
		case err == nil:
			n++
		case !strings.Contains(err.Error(), "SQLITE_BUSY") || time.Now().After(end): // the server may keep it from this process, too
			t.Fatal(err)
		}
	}
	writing.Wait()
	s.settles(all, patience())
}

// TestReceiversThatFail has every second notice be answered by an error, by nothing, or late.
func TestReceiversThatFail(t *testing.T) {
	t.Parallel()
	logs := folder(t)
	s := newStand(t, "", fmt.Sprintf("sources: [{name: trail, folder: %s}]\n", logs), "")
	failed := 0
	s.receiver.broke = func(w http.ResponseWriter) bool {
		if failed >= 9 {
			return false
		}
		failed++
		switch failed % 3 {
		case 0:
			http.Error(w, "busy", http.StatusInternalServerError)
		case 1:
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				c.Close()
			}
		case 2:
			time.Sleep(time.Second)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return true
	}
	all := trail(t, 5, 20)
	s.start()
	deliver(t, all, logs, time.Second)
	s.settles(all, patience())
}

// TestAQueueThatIsCutAndSlow delivers each object twice by a queue whose service refuses, is
// slow, and breaks off, as S3 does, and kills the server in the middle.
func TestAQueueThatIsCutAndSlow(t *testing.T) {
	w := simtest.NewLogged(t)
	url, arn := w.Queue("rootkeep-trail", nil, "s3.amazonaws.com")
	w.Must("s3", "PutBucketNotificationConfiguration", map[string]any{"Bucket": simtest.Bucket, "NotificationConfiguration": map[string]any{
		"QueueConfiguration": []any{map[string]any{"Queue": arn, "Event": []string{"s3:ObjectCreated:*"}}},
	}})
	simtest.Environment(t, w, w.Key.ID, w.Key.Secret, "")
	s := newStand(t, "", fmt.Sprintf("sources: [{name: trail, queue: {url: %q, buckets: [%s], receivers: 4}}]\n", url, simtest.Bucket), "")
	all := trail(t, 6, size())
	for i := range all { // under the name that the key layout has
		now := time.Now().UTC()
		all[i].name = fmt.Sprintf("AWSLogs/%s/CloudTrail/us-east-1/%s/%[1]s_CloudTrail_us-east-1_%[3]s_%016[4]d.json", simtest.Management, now.Format("2006/01/02"), now.Format("20060102T1504Z"), i)
	}
	faults := []cloud.Fault{
		{Kind: cloud.Broken, Service: "s3", Operation: "GetObject", Times: 4}, {Kind: cloud.Cut, Service: "s3", Operation: "GetObject", Times: 2},
		{Kind: cloud.Slow, Service: "s3", Delay: 50 * time.Millisecond, Times: 20}, {Kind: cloud.Throttle, Service: "sqs", Operation: "ReceiveMessage", Times: 3},
		{Kind: cloud.Broken, Service: "sqs", Operation: "DeleteMessage", Times: 6}, {Kind: cloud.Cut, Service: "sqs", Operation: "ReceiveMessage", Times: 2},
		{Kind: cloud.Slow, Service: "sqs", Delay: 100 * time.Millisecond, Times: 10},
	}
	p := s.start()
	for round := range 2 {
		for i, o := range all {
			if i%(len(all)/len(faults)) == 0 && len(faults) > i/(len(all)/len(faults)) {
				w.AddFault(faults[i/(len(all)/len(faults))])
			}
			w.Must("s3", "PutObject", map[string]any{"Bucket": simtest.Bucket, "Key": o.name, "Body": o.data})
			time.Sleep(30 * time.Millisecond)
		}
		if round == 0 {
			p.kill()
			s.buried(p)
			s.start()
		}
	}
	s.settles(all, patience())
}

// TestSeveralServersAndTheirBrokerDie has three servers share a database and three brokers;
// servers are killed and brokers end, one after the other, while everything is delivered twice.
func TestSeveralServersAndTheirBrokerDie(t *testing.T) {
	t.Parallel()
	kills := 3
	if long() {
		kills = 60
	}
	address, nats, one, two := storetest.PostgreSQL(t), brokertest.NewCluster(t), folder(t), folder(t)
	s := newStand(t, address, fmt.Sprintf("sources:\n- {name: one, folder: %s}\n- {name: two, folder: %s}\n", one, two), fmt.Sprintf("nats: {url: %q, replicas: '3'}\n", nats.URL()))
	all := trail(t, 7, size())
	servers := []*server{s.start(), s.start(), s.start()}
	var writing sync.WaitGroup
	within := time.Duration(kills) * 1500 * time.Millisecond
	writing.Go(func() { deliver(t, all, one, within) })
	writing.Go(func() { deliver(t, all, two, within*3/2) })
	for i := range kills {
		time.Sleep(1500 * time.Millisecond)
		if i%3 == 2 {
			nats.Restart(i / 3 % 3)
			continue
		}
		n := i % len(servers)
		servers[n].kill()
		s.buried(servers[n])
		servers[n] = s.start()
	}
	writing.Wait()
	s.settles(all, patience())
}
