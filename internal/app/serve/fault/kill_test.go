package fault_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestKilledServersLoseNothingAndDoubleNothing delivers everything twice, by two sources and
// up to a quarter of an hour late, while the server is killed again and again: 6 times, 200
// with ROOTKEEP_LONG=1.
func TestKilledServersLoseNothingAndDoubleNothing(t *testing.T) {
	t.Parallel()
	kills, objects := 6, 120
	if long() {
		kills, objects = 200, 2000
	}
	one, two := folder(t), folder(t)
	s := newStand(t, "", fmt.Sprintf("sources:\n- {name: one, folder: %s}\n- {name: two, folder: %s}\n", one, two), "")
	all := trail(t, 1, objects)
	d := rand.New(rand.NewPCG(2, 2))
	pauses := make([]time.Duration, kills)
	var whole time.Duration
	for i := range pauses {
		pauses[i] = 500*time.Millisecond + time.Duration(d.Int64N(int64(2*time.Second)))
		whole += pauses[i]
	}
	var writing sync.WaitGroup
	deliver := func(folder string, ahead int) {
		for i := range all {
			all[(i+ahead)%len(all)].put(t, folder)
			time.Sleep(whole / time.Duration(len(all)))
		}
	}
	writing.Go(func() { deliver(one, 0) })
	writing.Go(func() { deliver(two, len(all)/2) })
	for _, pause := range pauses {
		p := s.start()
		time.Sleep(pause)
		p.kill()
		s.buried(p)
	}
	writing.Wait()
	s.start()
	s.settles(all, patience())
}

// TestARestartInTheMiddleOfAWindow kills the server when four of the five failures that a
// window wants are read. With the fifth there is an alert, of five.
func TestARestartInTheMiddleOfAWindow(t *testing.T) {
	t.Parallel()
	logs := folder(t)
	s := newStand(t, "", fmt.Sprintf("sources: [{name: trail, folder: %s}]\n", logs), "")
	from := time.Now().Add(-10 * time.Minute)
	four, read := failures(t, "a.json", "111122223333", from, 0, 4), failures(t, "b.json", "444455556666", from, 0, 5)
	p := s.start()
	four.put(t, logs)
	time.Sleep(20 * time.Millisecond) // the order of delivery is that of the files' times
	read.put(t, logs)
	s.settles([]object{four, read}, patience())
	p.kill()
	s.buried(p)
	fifth := failures(t, "c.json", "111122223333", from, 4, 1)
	fifth.put(t, logs)
	s.start()
	s.settles([]object{four, read, fifth}, patience())
}

// TestADeadServerOfThisMachineKeepsNobodyWaiting kills a server whose leases would last for
// half an hour yet.
func TestADeadServerOfThisMachineKeepsNobodyWaiting(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells which process is gone")
	}
	t.Parallel()
	logs := folder(t)
	s := newStand(t, "", fmt.Sprintf("sources: [{name: trail, folder: %s}]\n", logs), "")
	from := time.Now().Add(-10 * time.Minute)
	one := failures(t, "a.json", "111122223333", from, 0, 5)
	p := s.start()
	one.put(t, logs)
	s.settles([]object{one}, patience())
	p.kill()
	s.lingers(p, 30*time.Minute)
	two := failures(t, "b.json", "444455556666", from, 0, 5)
	two.put(t, logs)
	s.start()
	s.settles([]object{one, two}, patience())
}
