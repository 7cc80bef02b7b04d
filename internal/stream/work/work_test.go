package work_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
	"github.com/rootkeep/rootkeep/internal/stream/work"
)

func open(t *testing.T, address string) *work.Desk {
	t.Helper()
	conn, err := broker.Connect(broker.Config{URL: address}, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	d, err := work.Open(t.Context(), conn, func(what string, err error) { t.Log(what, err) })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func order(t *testing.T, d *work.Desk, id string, pieces ...string) *work.Order {
	t.Helper()
	o, err := d.Order(t.Context(), id, []byte("kit of "+id))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range pieces {
		if err := o.Add(t.Context(), i, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// works takes pieces until the test ends.
func works(t *testing.T, d *work.Desk, do work.Do) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := d.Work(ctx, do); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func TestWhatComesOfEachPiece(t *testing.T) {
	d := open(t, brokertest.Server(t))
	var mu sync.Mutex
	tries := map[string]int{}
	works(t, d, func(ctx context.Context, p *work.Piece, out io.Writer) error {
		mu.Lock()
		defer mu.Unlock()
		tries[string(p.Data)]++
		switch {
		case string(p.Data) == "cannot be done":
			return errors.New("no way")
		case string(p.Data) == "elsewhere" && tries["elsewhere"] == 1:
			return fmt.Errorf("not here: %w", work.ErrElsewhere)
		}
		kit, err := p.Kit(ctx)
		fmt.Fprintf(out, "%s with the %s", p.Data, kit)
		return err
	})
	large := strings.Repeat("x", 700<<10)
	o := order(t, d, "hunt-1", "plain", "cannot be done", "elsewhere", large)
	for i, want := range []string{"plain with the kit of hunt-1", "", "elsewhere with the kit of hunt-1", large + " with the kit of hunt-1"} {
		err := o.Result(t.Context(), i, func(r io.Reader) error {
			got, err := io.ReadAll(r)
			if string(got) != want {
				t.Errorf("piece %d: got %.80q, want %.80q", i, got, want)
			}
			return err
		})
		failed, ok := errors.AsType[*work.Failed](err)
		if (want == "") != ok || ok && failed.Why != "no way" || !ok && err != nil {
			t.Errorf("piece %d: got %v", i, err)
		}
	}
	if tries["cannot be done"] != 5 || tries["elsewhere"] != 2 || tries["plain"] != 1 {
		t.Errorf("tries: got %v", tries)
	}
	if err := o.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPiecesOfAWorkThatIsOverAreDropped(t *testing.T) {
	d := open(t, brokertest.Server(t))
	over := order(t, d, "over", "a", "b")
	began := make(chan struct{}, 10)
	goOn := make(chan struct{})
	works(t, d, func(_ context.Context, p *work.Piece, _ io.Writer) error {
		began <- struct{}{}
		<-goOn
		return nil
	})
	<-began
	if err := over.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(goOn) // it ends a piece that nobody waits for
	next := order(t, d, "next", "c")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if err := next.Result(ctx, 0, func(io.Reader) error { return nil }); err != nil {
		t.Errorf("the next work: %v", err)
	}
}

func TestAResultThatNobodyMakesEndsWithTheContext(t *testing.T) {
	o := order(t, open(t, brokertest.Server(t)), "alone", "a")
	ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	if err := o.Result(ctx, 0, func(io.Reader) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}
