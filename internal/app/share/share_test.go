package share_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/share"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/lease"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
)

// lasts is a time in which a busy machine renews a lease: one that ends while its owner is at
// work is another's.
const lasts = 5 * time.Second

// crew is who works on which part, by what the processes themselves say.
type crew struct {
	t     *testing.T
	s     *store.Store
	parts int
	mu    sync.Mutex // guards at
	at    map[int]string
	twice string // two were at one part
}

// join starts a process; end stops it, which gives its parts back.
func (c *crew) join(owner string) (end func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := share.Run(ctx, share.Config{Store: c.s, Work: "flow", Parts: c.parts, Owner: owner, Lasts: lasts, Do: func(ctx context.Context, p *share.Part) error {
			return c.work(ctx, owner, p)
		}}); err != nil {
			c.t.Error(err)
		}
	}()
	end = sync.OnceFunc(func() { cancel(); <-done })
	c.t.Cleanup(end)
	return end
}

func (c *crew) work(ctx context.Context, owner string, p *share.Part) error {
	c.mu.Lock()
	if other, there := c.at[p.Number]; there {
		c.twice = fmt.Sprintf("%s came to part %d while %s was there", owner, p.Number, other)
	}
	c.at[p.Number] = owner
	c.mu.Unlock()
	<-ctx.Done()
	c.mu.Lock()
	delete(c.at, p.Number)
	c.mu.Unlock()
	return ctx.Err()
}

func (c *crew) counts() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int{}
	for _, owner := range c.at {
		out[owner]++
	}
	return out
}

// comes waits until the processes have so many parts each.
func (c *crew) comes(want map[string]int) {
	c.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		got := c.counts()
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("parts by process: got %v, want %v", got, want)
		}
	}
}

func TestProcessesComeAndGo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := &crew{t: t, s: s, parts: 10, at: map[int]string{}}
		endA := c.join("a")
		c.comes(map[string]int{"a": 10})
		endB := c.join("b")
		c.comes(map[string]int{"a": 5, "b": 5})
		c.join("c")
		c.comes(map[string]int{"a": 4, "b": 3, "c": 3})
		endA()
		c.comes(map[string]int{"b": 5, "c": 5})
		endB()
		c.comes(map[string]int{"c": 10})
		if c.twice != "" {
			t.Error(c.twice)
		}
	})
}

func TestTheWorkOfOneThatIsFencedOffEnds(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	began := make(chan *share.Part, 10)
	lost := make(chan error, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = share.Run(ctx, share.Config{Store: s, Work: "flow", Parts: 1, Owner: "a", Lasts: lasts, Do: func(ctx context.Context, p *share.Part) error {
			began <- p
			<-ctx.Done()
			lost <- s.Touch(context.WithoutCancel(ctx), p.Hold)
			return nil
		}})
	}()
	defer func() { cancel(); <-done }()
	p := <-began
	if err := s.Touch(t.Context(), p.Hold); err != nil {
		t.Errorf("the owner cannot hold its part: %v", err)
	}
	// Another takes the part, as if this process had been silent for long.
	if err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE lease SET ends = 1 WHERE work = 'flow'`); err != nil {
			return err
		}
		_, taken, err := lease.Take(ctx, tx, "flow", "0", "b", time.Minute)
		if !taken {
			return errors.New("the part is not free")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-lost; !errors.Is(err, lease.ErrLost) {
		t.Errorf("what the first still wanted to keep: got %v, want %v", err, lease.ErrLost)
	}
}

func TestWorkThatFailsBeginsAgain(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	err := share.Run(ctx, share.Config{Store: s, Work: "flow", Parts: 1, Owner: "a", Lasts: lasts, Do: func(ctx context.Context, _ *share.Part) error {
		if tries++; tries == 1 {
			panic("a mistake of ours")
		}
		cancel()
		return nil
	}})
	if err != nil || tries != 2 {
		t.Errorf("got %v after %d tries, want two", err, tries)
	}
	if err := share.Run(t.Context(), share.Config{}); err == nil {
		t.Error("nothing is shared, without an error")
	}
}

func TestAFlowOfTheSettings(t *testing.T) {
	if f, stop, err := (share.Settings{}).OpenFlow(t.Context(), slog.New(slog.DiscardHandler)); f != nil || err != nil {
		t.Errorf("without a broker: got %v, %v, want no flow", f, err)
	} else {
		stop()
	}
	f, stop, err := share.Settings{URL: brokertest.Server(t), Replicas: "1"}.OpenFlow(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if f.Partitions() != flow.Usual {
		t.Errorf("%d partitions, want %d", f.Partitions(), flow.Usual)
	}
}
