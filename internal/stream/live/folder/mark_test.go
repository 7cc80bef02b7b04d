package folder

import (
	"bytes"
	"slices"
	"testing"
)

func TestAMarkNamesWhatIsOpenBelowItsFloor(t *testing.T) {
	e := func(at int64) entry { return entry{at, uint64(at) * 7} }
	m := (&mark{}).without(e(5))
	for i := range int64(mostSeen + 20) {
		m = m.with(e(i))
		if i == 10 {
			m = m.without(e(3000)) // above the floor, so that no mark has to name it
		}
	}
	if m.done(e(5)) != true || m.floor.at < 5 {
		t.Fatalf("got floor %v, want 5 delivered: it was met again", m.floor)
	}
	m = m.without(e(6)) // as a process has it that began it before
	text := m.bytes()
	got, err := readMark(text)
	if err != nil {
		t.Fatal(err)
	}
	if text[0] != openVersion || !slices.Equal(got.open, []entry{e(6)}) || got.done(e(6)) || !got.done(e(7)) || got.done(e(3000)) {
		t.Errorf("got version %d, open %v, want 6 alone to be open", text[0], got.open)
	}
	if got = got.with(e(6)); !got.done(e(6)) || got.bytes()[0] != markVersion || len(got.seen) != mostSeen {
		t.Errorf("got version %d and %d entries once it was delivered", got.bytes()[0], len(got.seen))
	}
	for n := range len(text) {
		if cut, err := readMark(text[:n]); n > 0 && err == nil && bytes.Equal(cut.bytes(), text) {
			t.Errorf("%d of %d bytes were read as the same mark", n, len(text))
		}
	}
}

func FuzzMark(f *testing.F) {
	f.Add((&mark{}).with(entry{1, 2}).bytes())
	f.Add((&mark{floor: entry{9, 9}}).without(entry{1, 2}).with(entry{20, 3}).bytes())
	f.Add([]byte{openVersion, 1})
	f.Add([]byte{openVersion, 0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := readMark(text)
		if err != nil {
			return
		}
		if len(m.open) > mostLarge || len(m.seen) > mostSeen {
			t.Fatalf("%d open and %d seen entries", len(m.open), len(m.seen))
		}
		again, err := readMark(m.bytes())
		if err != nil || !slices.Equal(again.seen, m.seen) || again.floor != m.floor {
			t.Errorf("got %+v, %v from what was written of %+v", again, err, m)
		}
		m.with(entry{1, 1}).without(entry{2, 2}).bytes()
	})
}
