package folder_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/folder"
)

// tree is a folder whose files were changed by the test's clock.
type tree struct {
	t    *testing.T
	path string
}

// write leaves a file as if it had been changed just now.
func (f tree) write(name, text string) {
	f.t.Helper()
	f.at(name, text, time.Now())
}

func (f tree) at(name, text string, at time.Time) {
	f.t.Helper()
	path := filepath.Join(f.path, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644), os.Chtimes(path, at, at)); err != nil {
		f.t.Fatal(err)
	}
}

// taker takes deliveries and keeps the last mark, as a store does.
type taker struct {
	got  []string // "name: content"
	mark []byte
	lost []string                // names of what was given up
	fail func(name string) error // before the mark is kept

	settled int // how often there was a mark alone
}

func (k *taker) take(_ context.Context, d live.Delivery) error {
	if d.Lost != "" {
		k.lost, k.mark = append(k.lost, d.Input.Name+": "+d.Lost), d.Mark
		return nil
	}
	if d.Input.Open == nil { // a look is over
		k.settled++
		k.mark = d.Mark
		return nil
	}
	r, err := d.Input.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	k.got = append(k.got, d.Input.Name+": "+string(text))
	if k.fail != nil {
		if err := k.fail(d.Input.Name); err != nil {
			return err
		}
	}
	k.mark = d.Mark
	return nil
}

func (f tree) source(days int) *folder.Source {
	f.t.Helper()
	s, err := folder.New(folder.Config{Name: "logs", Path: f.path, Days: days, Now: time.Now, Changed: fs.FileInfo.ModTime})
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// run lets a source work for some time of the test's clock.
func run(t *testing.T, s *folder.Source, k *taker, d time.Duration) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	return s.Run(ctx, k.mark, k.take)
}

// within runs a test in a folder, under a clock of its own.
func within(t *testing.T, test func(*testing.T, tree)) {
	path := t.TempDir()
	synctest.Test(t, func(t *testing.T) { test(t, tree{t, path}) })
}

func TestWhatIsThereAndWhatComesIsDeliveredOnce(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		f.at("b.json", "2", time.Now().Add(-2*time.Hour))
		f.at("deep/er/a.json", "1", time.Now().Add(-3*time.Hour))
		s, k := f.source(0), &taker{}
		go func() {
			time.Sleep(10 * time.Second)
			f.write("c.json", "3")
		}()
		if err := run(t, s, k, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
		if diff := cmp.Diff([]string{"deep/er/a.json: 1", "b.json: 2", "c.json: 3"}, k.got); diff != "" {
			t.Errorf("deliveries, in the order of arrival (-want +got):\n%s", diff)
		}
		if k.settled != 2 {
			t.Errorf("got %d marks alone, want one behind what each look found", k.settled)
		}
		k.got = nil
		_ = run(t, f.source(0), k, time.Minute)
		if len(k.got) != 0 {
			t.Errorf("got %v again from the mark, want nothing", k.got)
		}
		if h := s.Health(); h.Fault != "" || h.Heard.IsZero() || h.Last.IsZero() || h.Delay == 0 {
			t.Errorf("got health %+v", h)
		}
	})
}

func TestAFileIsNotReadWhileItIsWritten(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		go func() {
			for i := range 20 { // a slow writer: half a second between two pieces
				f.write("slow.json", strings.Repeat("x", i+1))
				time.Sleep(500 * time.Millisecond)
			}
		}()
		k, begun := &taker{}, time.Now()
		var after time.Duration
		k.fail = func(string) error { after = time.Since(begun); return nil }
		_ = run(t, f.source(0), k, time.Minute)
		if diff := cmp.Diff([]string{"slow.json: " + strings.Repeat("x", 20)}, k.got); diff != "" {
			t.Errorf("deliveries (-want +got):\n%s", diff)
		}
		if after > 13*time.Second {
			t.Errorf("got it %v after the first byte, want within three seconds of the last", after)
		}
	})
}

func TestWhatIsNotKeptComesAgain(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		for i := range 3 {
			f.at(fmt.Sprintf("%d.json", i), "", time.Now().Add(time.Duration(i-10)*time.Minute))
		}
		k, died := &taker{}, errors.New("killed between take and mark")
		k.fail = func(name string) error {
			if name == "1.json" {
				return died
			}
			return nil
		}
		if err := run(t, f.source(0), k, time.Minute); !errors.Is(err, died) {
			t.Errorf("got %v, want the taker's error", err)
		}
		k.fail = nil
		_ = run(t, f.source(0), k, time.Minute)
		if diff := cmp.Diff([]string{"0.json: ", "1.json: ", "1.json: ", "2.json: "}, k.got); diff != "" {
			t.Errorf("deliveries (-want +got):\n%s", diff)
		}
	})
}

func TestWhatCannotBeReadKeepsNoOtherWaiting(t *testing.T) {
	asNobody(t)
	within(t, func(t *testing.T, f tree) {
		f.at("a.json", "a", time.Now().Add(-time.Hour))
		f.at("shut/b.json", "b", time.Now().Add(-time.Hour))
		f.write("c.json", "c")
		for _, name := range []string{"a.json", "shut"} {
			if err := os.Chmod(filepath.Join(f.path, name), 0); err != nil {
				t.Fatal(err)
			}
		}
		s, k := f.source(0), &taker{}
		_ = run(t, s, k, 10*time.Second)
		if h := s.Health(); len(k.got) != 1 || !strings.Contains(h.Fault, "a.json") || !strings.Contains(h.Fault, "shut") {
			t.Errorf("got %v and fault %q, want c alone, and the others named", k.got, h.Fault)
		}
		if err := errors.Join(os.Chmod(filepath.Join(f.path, "a.json"), 0o600), os.Chmod(filepath.Join(f.path, "shut"), 0o700)); err != nil {
			t.Fatal(err)
		}
		_ = run(t, s, k, 2*time.Minute)
		if h := s.Health(); len(k.got) != 3 || h.Fault != "" {
			t.Errorf("got %v and fault %q, want all three and no fault", k.got, h.Fault)
		}
	})
}

func TestWhatIsNoObjectIsLeftAlone(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		day := time.Now().UTC().Format("2006/01/02")
		const trail, name = "AWSLogs/111122223333/CloudTrail/us-east-1/", "111122223333_CloudTrail_us-east-1_20000101T0000Z_AbCdEfGhIjKlMnOp.json.gz"
		f.write(trail+day+"/"+name, "log")
		f.write(trail+day+"/"+name+".Ab12Cd34", "a copy under way")
		f.write(trail+"1998/12/31/"+name, "of a day that is over for long")
		f.write("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/"+day+"/digest.json.gz", "digest")
		f.write(".hidden.json", "hidden")
		f.write("x.json.part", "part")
		f.write("x.zip", "zip")
		f.write("free/1998/12/31/x.json", "no layout of CloudTrail")
		if err := errors.Join(os.Symlink(".", filepath.Join(f.path, "loop")), os.Symlink("/etc/passwd", filepath.Join(f.path, "link.json"))); err != nil {
			t.Fatal(err)
		}
		s, k := f.source(3), &taker{}
		_ = run(t, s, k, 30*time.Second)
		slices.Sort(k.got)
		if diff := cmp.Diff([]string{trail + day + "/" + name + ": log", "free/1998/12/31/x.json: no layout of CloudTrail"}, k.got); diff != "" {
			t.Errorf("deliveries (-want +got):\n%s", diff)
		}
		if h := s.Health(); h.Fault != "" {
			t.Errorf("got fault %q, want none", h.Fault)
		}
	})
}

func TestAFolderThatIsNotThere(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		f.path = filepath.Join(f.path, "later")
		s, k := f.source(0), &taker{}
		_ = run(t, s, k, 5*time.Second)
		if h := s.Health(); !strings.Contains(h.Fault, "later") || !h.Heard.IsZero() {
			t.Errorf("got health %+v, want the folder named, and nothing heard", h)
		}
		f.write("a.json", "a")
		_ = run(t, s, k, 5*time.Second)
		if h := s.Health(); len(k.got) != 1 || h.Fault != "" || h.Heard.IsZero() {
			t.Errorf("got %v, health %+v, want the object and no fault", k.got, h)
		}
	})
}

// A vanished file is no fault: the copy was moved on.
func TestAFileThatVanishesBetweenLookAndRead(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		f.at("a.json", "a", time.Now().Add(-2*time.Hour))
		f.at("b.json", "b", time.Now().Add(-time.Hour))
		s, k := f.source(0), &taker{}
		k.fail = func(name string) error {
			if name == "a.json" {
				return os.Remove(filepath.Join(f.path, "b.json"))
			}
			return nil
		}
		_ = run(t, s, k, 10*time.Second)
		if h := s.Health(); len(k.got) != 1 || h.Fault != "" {
			t.Errorf("got %v, fault %q, want a alone and no fault", k.got, h.Fault)
		}
	})
}

// What a mark cannot tell one by one any more is not lost without a word, however fast
// the others come.
func TestWhatStaysUnreadableIsGivenUpAloud(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		begin := time.Now().Add(-2 * time.Hour)
		for _, name := range []string{"b.json", "a.json"} { // links were put in their place since they were found
			f.at(name, "", begin)
		}
		for i := range 1100 {
			f.at(fmt.Sprintf("n/%d.json", i), "", begin.Add(time.Duration(i+1)*time.Second))
		}
		s, err := folder.New(folder.Config{Name: "logs", Path: f.path, Now: time.Now, Changed: func(info fs.FileInfo) time.Time {
			path := filepath.Join(f.path, info.Name())
			if info.Name() == "a.json" || info.Name() == "b.json" {
				if err := errors.Join(os.Remove(path), os.Symlink("/etc/hostname", path)); err != nil {
					t.Error(err)
				}
			}
			return info.ModTime()
		}})
		if err != nil {
			t.Fatal(err)
		}
		k := &taker{}
		_ = run(t, s, k, 10*time.Second)
		if len(k.got) != 1100 {
			t.Errorf("got %d objects, want 1100, and nothing behind a link", len(k.got))
		}
		slices.Sort(k.lost)
		if len(k.lost) != 2 || !strings.HasPrefix(k.lost[0], "a.json: ") || !strings.HasPrefix(k.lost[1], "b.json: ") {
			t.Errorf("got %v given up, want both", k.lost)
		}
	})
}

// A server that was down for longer than the days that are looked at misses none of them.
func TestDaysSinceTheMarkAreLookedAt(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		f.at("first.json", "", time.Now().Add(-20*24*time.Hour))
		k := &taker{}
		_ = run(t, f.source(3), k, 10*time.Second)
		at := time.Now().Add(-19 * 24 * time.Hour)
		name := "AWSLogs/111122223333/CloudTrail/us-east-1/" + at.UTC().Format("2006/01/02") + "/111122223333_CloudTrail_us-east-1_20000101T0000Z_AbCdEfGhIjKlMnOp.json.gz"
		f.at(name, "log", at)
		k.got = nil
		_ = run(t, f.source(3), k, 10*time.Second)
		if diff := cmp.Diff([]string{name + ": log"}, k.got); diff != "" {
			t.Errorf("deliveries (-want +got):\n%s", diff)
		}
	})
}

func TestManyObjectsAreAnAnswerEach(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		for i := range 3 {
			f.at(fmt.Sprintf("%d.json", i), "", time.Now().Add(-time.Hour))
		}
		s, k := f.source(0), &taker{}
		begun := time.Now()
		k.fail = func(string) error { time.Sleep(20 * time.Minute); return nil } // a slow store
		_ = run(t, s, k, 50*time.Minute)
		if heard := s.Health().Heard.Sub(begun); heard < 40*time.Minute {
			t.Errorf("got it heard after %v for the last time, want after each object", heard)
		}
	})
}

func TestATimeThatIsStillToComeIsNamed(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		f.at("a.json", "a", time.Now().Add(time.Hour))
		s, k := f.source(0), &taker{}
		_ = run(t, s, k, 10*time.Second)
		if h := s.Health(); len(k.got) != 0 || !strings.Contains(h.Fault, "compare the clocks") {
			t.Errorf("got %v, fault %q, want the clock blamed", k.got, h.Fault)
		}
	})
}

// More objects than one look finds, and than a mark names, all with the same time: each
// comes once, and the mark stays within its bound.
func TestManyObjectsWithinBoundedMarks(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 2500
	}
	within(t, func(t *testing.T, f tree) {
		at := time.Now().Add(-time.Hour)
		for i := range n {
			f.at(fmt.Sprintf("%d/%d.json", i%7, i), "", at)
		}
		k, largest, stops := &taker{}, 0, 0
		ended := errors.New("stopped")
		k.fail = func(string) error {
			if largest = max(largest, len(k.mark)); len(k.got)%1500 == 0 && stops < 3 {
				stops++
				return ended // its mark is not kept
			}
			return nil
		}
		for range 4 {
			_ = run(t, f.source(0), k, 10*time.Second)
		}
		times := map[string]int{}
		for _, name := range k.got {
			times[name]++
		}
		if len(times) != n || len(k.got) != n+stops {
			t.Errorf("got %d objects in %d deliveries, want %d, and %d again", len(times), len(k.got), n, stops)
		}
		if largest > 64<<10 {
			t.Errorf("got a mark of %d bytes, want at most 64 KiB", largest)
		}
	})
}

func TestAForeignMarkIsRefused(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		for _, text := range []string{"{}", "\x01", "\x02" + strings.Repeat("x", 16), "\x01" + strings.Repeat("x", 16) + strings.Repeat("y", 16) + strings.Repeat("x", 16)} {
			err := run(t, f.source(0), &taker{mark: []byte(text)}, time.Second)
			if err == nil || !strings.Contains(err.Error(), "mark") {
				t.Errorf("mark %q: got %v, want a refusal", text, err)
			}
		}
	})
}

func TestWhatIsNoFolderIsRefused(t *testing.T) {
	for _, c := range []folder.Config{{}, {Name: "a", Path: "/tmp"}, {Name: "a", Path: "logs", Now: time.Now}, {Name: "a", Path: "/tmp", Now: time.Now, Days: -1}} {
		if _, err := folder.New(c); err == nil {
			t.Errorf("got a source of %+v, want a refusal", c)
		}
	}
}
