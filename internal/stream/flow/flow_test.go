package flow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
)

func open(t *testing.T, c broker.Config, partitions int) *flow.Flow {
	t.Helper()
	conn, err := broker.Connect(c, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	f, err := flow.Open(t.Context(), conn, flow.Config{Partitions: partitions, Log: func(what string, err error) { t.Log(what, err) }})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func publish(t *testing.T, f *flow.Flow, messages ...flow.Message) {
	t.Helper()
	if err := f.Publish(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// numbered are n messages over the partitions.
func numbered(from, n, partitions int) []flow.Message {
	var out []flow.Message
	for i := range n {
		out = append(out, flow.Message{Partition: i % partitions, ID: fmt.Sprintf("e-%d", from+i), Data: fmt.Appendf(nil, "event %d", from+i)})
	}
	return out
}

// taker counts what is handled.
type taker struct {
	mu   sync.Mutex
	seen map[string]int
	most int // messages in a batch
}

func (k *taker) take(_ context.Context, batch []flow.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen == nil {
		k.seen = map[string]int{}
	}
	k.most = max(k.most, len(batch))
	for _, m := range batch {
		k.seen[fmt.Sprintf("%d/%s", m.Partition, m.ID)]++
	}
	return nil
}

func (k *taker) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.seen)
}

// consume handles partitions until the test ends or the returned function is called.
func consume(t *testing.T, f *flow.Flow, handle flow.Handle, partitions ...int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, p := range partitions {
		all.Go(func() {
			for ctx.Err() == nil { // as its owner does: again after what the broker refuses
				if err := f.Consume(ctx, p, handle); err != nil {
					t.Log(err)
				}
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(stop)
	return stop
}

// until waits for something that other goroutines do.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after three minutes", what)
		}
	}
}

func waiting(t *testing.T, f *flow.Flow) *flow.Waiting {
	t.Helper()
	w, err := f.Waiting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func sum(list []uint64) (n uint64) {
	for _, i := range list {
		n += i
	}
	return n
}

func TestEachMessageReachesItsPartition(t *testing.T) {
	f := open(t, broker.Config{URL: brokertest.Server(t)}, 4)
	publish(t, f, numbered(0, 1000, 4)...)
	publish(t, f, numbered(0, 1000, 4)...) // the source delivered them again
	publish(t, f, flow.Message{Partition: 3, ID: "e-0"}, flow.Message{Partition: 2, ID: "a/b"})
	w := waiting(t, f)
	if want := []uint64{1, 1, 2, 2}; !slices.Equal(w.Partitions, want) || w.Oldest.IsZero() || w.First != 1 || w.Last != 6 || w.Poison != 0 || w.Fault != "" {
		t.Errorf("got %+v, want %v waiting, from 1 to 6, and since when", w, want)
	}
	var k taker
	consume(t, f, k.take, 0, 1, 2, 3)
	until(t, "all are handled", func() bool { return sum(waiting(t, f).Partitions) == 0 })
	want := map[string]int{"3/e-0": 1, "2/a/b": 1}
	for _, m := range numbered(0, 1000, 4) {
		want[fmt.Sprintf("%d/%s", m.Partition, m.ID)] = 1
	}
	if diff := cmp.Diff(want, k.seen); diff != "" {
		t.Errorf("messages by how often they came (-want +got):\n%s", diff)
	}
	if k.most < 2 || k.most > 1024 {
		t.Errorf("the largest batch has %d messages, want several, and 1024 at most", k.most)
	}
	if w := waiting(t, f); !w.Oldest.IsZero() || w.First != 7 || w.Last != 6 {
		t.Errorf("got %+v, want nothing, and the next to be 7", w)
	}
}

func TestWhatWasNotKeptComesAgain(t *testing.T) {
	f := open(t, broker.Config{URL: brokertest.Server(t)}, 1)
	publish(t, f, numbered(0, 20, 1)...)
	var k taker
	tries := 0
	consume(t, f, func(ctx context.Context, batch []flow.Message) error {
		if tries++; tries < 3 {
			return errors.New("the store does not answer")
		}
		return k.take(ctx, batch)
	}, 0)
	until(t, "all are handled", func() bool { return sum(waiting(t, f).Partitions) == 0 })
	if len(k.seen) != 20 {
		t.Errorf("%d messages handled, want 20", len(k.seen))
	}
	if w := waiting(t, f); w.Poison != 0 {
		t.Errorf("%d messages put aside because the store did not answer, want none", w.Poison)
	}
}

// What is too much for one change of the store is not for several.
func TestABatchThatFailsIsHandledInHalves(t *testing.T) {
	f := open(t, broker.Config{URL: brokertest.Server(t)}, 1)
	publish(t, f, numbered(0, 20, 1)...)
	var k taker
	consume(t, f, func(ctx context.Context, batch []flow.Message) error {
		if len(batch) > 6 {
			return errors.New("not done after 10s, and undone")
		}
		return k.take(ctx, batch)
	}, 0)
	until(t, "all are handled", func() bool { return sum(waiting(t, f).Partitions) == 0 })
	if len(k.seen) != 20 || waiting(t, f).Poison != 0 {
		t.Errorf("%d messages handled, %d put aside, want 20 and none", len(k.seen), waiting(t, f).Poison)
	}
}

func TestWhoeverStopsGivesItsBatchBackAtOnce(t *testing.T) {
	f := open(t, broker.Config{URL: brokertest.Server(t)}, 1)
	publish(t, f, numbered(0, 5, 1)...)
	has := make(chan struct{}, 100)
	stop := consume(t, f, func(ctx context.Context, batch []flow.Message) error {
		has <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}, 0)
	<-has
	stop()
	begun := time.Now()
	var k taker
	consume(t, f, k.take, 0)
	until(t, "the next has all", func() bool { return k.count() == 5 })
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the next had all after %v, want before the broker gives up on the first (15 s)", took)
	}
}

// A process of an older version does not know bundles.
func TestABundleThatWasPutAsideIsOneWhenItIsGivenBack(t *testing.T) {
	address := brokertest.Server(t)
	f := open(t, broker.Config{URL: address}, 1)
	publish(t, f, numbered(0, 5, 1)...)
	conn, err := nats.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "ROOTKEEP_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	_, id, _ := strings.Cut(m.Header.Get(jetstream.MsgIDHeader), "/")
	if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "rootkeep.poison.0", Data: m.Data, Header: nats.Header{"Rootkeep-Message": {id}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := f.GiveBack(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	var k taker
	consume(t, f, k.take, 0)
	until(t, "all are handled", func() bool { return sum(waiting(t, f).Partitions) == 0 && k.count() == 5 })
}

// Which message of a bundle ends processes is found out by having each come for itself.
func TestABundleThatCameTooOftenIsTakenApart(t *testing.T) {
	f := open(t, broker.Config{URL: brokertest.Server(t)}, 1)
	publish(t, f, numbered(0, 5, 1)...)
	for range 4 {
		has := make(chan struct{}, 100)
		stop := consume(t, f, func(ctx context.Context, batch []flow.Message) error {
			has <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}, 0)
		<-has
		stop()
	}
	var k taker
	consume(t, f, k.take, 0)
	until(t, "all are handled", func() bool { return sum(waiting(t, f).Partitions) == 0 && k.count() == 5 })
	if w := waiting(t, f); w.Last != 1+5 || w.Poison != 0 {
		t.Errorf("got %+v, want the bundle and its five messages to have been published, and none put aside", w)
	}
}

func TestPoisonIsPutAside(t *testing.T) {
	f := open(t, broker.Config{URL: brokertest.Server(t)}, 1)
	messages := numbered(0, 30, 1)
	messages[7].Data = []byte("unreadable")
	messages[9].Data = []byte("panic")
	publish(t, f, messages...)
	var k taker
	consume(t, f, func(ctx context.Context, batch []flow.Message) error {
		var bad []string
		for _, m := range batch {
			switch {
			case bytes.Equal(m.Data, []byte("panic")):
				panic("a mistake of ours")
			case bytes.Equal(m.Data, []byte("unreadable")):
				bad = append(bad, m.ID)
			}
		}
		if len(bad) > 0 {
			return &flow.Poison{IDs: bad, Err: errors.New("no record:\r\nX: y")}
		}
		return k.take(ctx, batch)
	}, 0)
	until(t, "both are put aside", func() bool { return waiting(t, f).Poison == 2 && sum(waiting(t, f).Partitions) == 0 })
	if len(k.seen) != 28 {
		t.Errorf("%d messages handled, want the other 28", len(k.seen))
	}
	list, err := f.Asides(t.Context(), 0, 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("got %d put aside, %v, want 2", len(list), err)
	}
	slices.SortFunc(list, func(a, b flow.Aside) int { return strings.Compare(a.Message.ID, b.Message.ID) })
	if a := list[0]; a.Message.ID != "e-7" || string(a.Message.Data) != "unreadable" || a.Reason != "no record:  X: y" || a.Since.IsZero() {
		t.Errorf("got %+v, want e-7 with the reason in one line", a)
	}
	if a := list[1]; a.Message.ID != "e-9" || !strings.Contains(a.Reason, "a mistake of ours") {
		t.Errorf("got %+v, want e-9 with the panic", a)
	}
	for _, err := range []error{f.Drop(t.Context(), 4711), f.GiveBack(t.Context(), 4711)} {
		if !errors.Is(err, flow.ErrNotAside) {
			t.Errorf("of a message that is not there: got %v", err)
		}
	}
	if err := f.Drop(t.Context(), list[1].Number); err != nil {
		t.Error(err)
	}
	if err := f.GiveBack(t.Context(), list[0].Number); err != nil {
		t.Error(err)
	}
	// Nothing has changed, so it comes to lie there again.
	until(t, "it is put aside again", func() bool {
		again, err := f.Asides(t.Context(), 0, 10)
		return err == nil && len(again) == 1 && again[0].Message.ID == "e-7" && again[0].Number > list[0].Number
	})
}

func TestAClusterLosesNothingWhileItsServersRestart(t *testing.T) {
	cluster := brokertest.NewCluster(t)
	const partitions, rounds, each = 8, 6, 250
	f := open(t, broker.Config{URL: cluster.URL(), Replicas: 3}, partitions)
	var k taker
	consume(t, f, k.take, 0, 1, 2, 3, 4, 5, 6, 7)
	var restarts sync.WaitGroup
	for round := range rounds {
		if round%2 == 1 {
			restarts.Wait() // two of three would be the majority
			restarts.Go(func() { cluster.Restart(round / 2) })
		}
		publish(t, f, numbered(round*each, each, partitions)...)
	}
	restarts.Wait()
	until(t, "all are handled", func() bool { return k.count() == rounds*each })
}

func TestWhatDoesNotGo(t *testing.T) {
	address := brokertest.Server(t)
	f := open(t, broker.Config{URL: address}, 4)
	for name, c := range map[string]struct {
		message flow.Message
		want    string
	}{
		"a partition that is none": {flow.Message{Partition: 4, ID: "a"}, "partition 4: want 0 to 3"},
		"no ID":                    {flow.Message{}, "an ID of 1 to 512 bytes"},
		"the ID of a bundle":       {flow.Message{ID: "bundle-1"}, "that does not begin with bundle-"},
		"too much":                 {flow.Message{ID: "a", Data: make([]byte, flow.MaxMessage+1)}, "message a has 983041 bytes, at most 983040"},
	} {
		if err := f.Publish(t.Context(), []flow.Message{{ID: "good"}, c.message}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if w := waiting(t, f); sum(w.Partitions) != 0 {
		t.Errorf("%d messages went out beside one that does not go", sum(w.Partitions))
	}
	publish(t, f, flow.Message{ID: "largest", Data: make([]byte, flow.MaxMessage)})
	conn, err := broker.Connect(broker.Config{URL: address}, "other")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := flow.Open(t.Context(), conn, flow.Config{Partitions: 8}); err == nil || !strings.Contains(err.Error(), "has 4 partitions, not 8; hint:") {
		t.Errorf("another number of partitions: got %v", err)
	}
	if err := f.Consume(t.Context(), -1, nil); err == nil {
		t.Error("a partition below 0 is consumed")
	}
}
