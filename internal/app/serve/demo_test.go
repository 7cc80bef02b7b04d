package serve

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
)

// demonstration is one that runs, of a past of one week in two Regions.
type demonstration struct {
	t       *testing.T
	address string
	made    chan string
	days    chan int // each day that is made, which the next one waits for
	cancel  context.CancelFunc
	ended   chan error
}

func demonstrate(t *testing.T, folder string) *demonstration {
	t.Helper()
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, os.Getenv(name)) // the demonstration sets them: the end of the test sets them back
	}
	ctx, cancel := context.WithCancel(t.Context())
	d := &demonstration{t: t, made: make(chan string, 1), days: make(chan int), cancel: cancel, ended: make(chan error, 1)}
	address := make(chan string, 1)
	day := func(day, _ int) {
		select {
		case d.days <- day:
		case <-ctx.Done():
		}
	}
	go func() {
		d.ended <- RunDemo(ctx, Demo{
			Folder: folder, Listen: "localhost:0", weeks: 1, aside: simtest.In("us-east-1", "eu-west-1"),
			Day: day, Made: func(link string) { d.made <- link },
		}, t.Output(), func(at, _ string) { address <- at })
	}()
	t.Cleanup(cancel)
	select {
	case d.address = <-address:
	case err := <-d.ended:
		t.Fatalf("got %v, want a demonstration", err)
	}
	return d
}

// past takes the days until the past is made, and gives the link that enrols.
func (d *demonstration) past() (link string, days []int) {
	d.t.Helper()
	for {
		select {
		case day := <-d.days:
			days = append(days, day)
		case link = <-d.made:
			return link, days
		case err := <-d.ended:
			d.t.Fatalf("got %v, want a past", err)
		}
	}
}

func (d *demonstration) stop() {
	d.t.Helper()
	d.cancel()
	if err := <-d.ended; err != nil {
		d.t.Errorf("got %v, want the demonstration to stop", err)
	}
}

func (d *demonstration) ask(method, path string) (status int, body string) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), method, d.address+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func (d *demonstration) want(method, path string, status int, words string) {
	d.t.Helper()
	if got, body := d.ask(method, path); got != status || !strings.Contains(body, words) {
		d.t.Errorf("%s %s: got %d, want %d with %q\n%s", method, path, got, status, words, body)
	}
}

func TestTheDemonstrationOpensBeforeItsPastIsMade(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "demo")
	first := demonstrate(t, folder)
	first.want("GET", "/", 200, "The past is being made: day ") // and it goes no further than the first, which nobody took yet
	first.want("POST", "/enrol/begin", 409, "")
	if day := <-first.days; day != 1 {
		t.Fatalf("got day %d, want the first", day)
	}
	first.want("GET", "/findings", 200, "AL-03") // of the first review, in the middle of the past
	first.stop()                                 // half-way
	if text, err := os.ReadFile(filepath.Join(folder, pastFile)); err != nil || string(text) != pastHalf {
		t.Fatalf("got %q, %v, want a past that is half made", text, err)
	}

	second := demonstrate(t, folder)
	link, days := second.past()
	if want := []int{1, 2, 3, 4, 5, 6, 7}; !slices.Equal(days, want) {
		t.Errorf("got the days %v, want the past to begin anew: %v", days, want)
	}
	if !strings.HasPrefix(link, second.address+"/enrol#") {
		t.Errorf("got the link %q, want one that enrols", link)
	}
	second.want("GET", "/", 200, "You are a visitor of the demonstration")
	for _, path := range []string{"/alerts", "/suppressions", "/rules", "/sources", "/coverage", "/root-uses", "/posture", "/scans", "/hunts", "/exceptions", "/ledger"} {
		second.want("GET", path, 200, "Visitor")
	}
	for _, path := range []string{"/jobs", "/schedules"} {
		second.want("GET", path, 403, "")
	}
	second.want("GET", "/me", 303, "")
	second.want("POST", "/jobs", 303, "") // to the page that signs in
	second.stop()

	third := demonstrate(t, folder)
	third.want("GET", "/", 200, "You are a visitor of the demonstration")
	select {
	case day := <-third.days:
		t.Errorf("got day %d made anew, want the past that lies there", day)
	default:
	}
	third.stop()
	if len(third.made) != 0 {
		t.Error("got a past that is made anew, want the one that lies there")
	}
}

func TestWhatTheDemonstrationFindsInItsFolder(t *testing.T) {
	old := time.Now().Add(-keepPast - time.Minute)
	for _, c := range []struct {
		name, marker string
		at           time.Time
		fresh        bool
		kept         bool
	}{
		{"a whole past is used again", pastWhole, time.Now(), false, true},
		{"a whole past that nobody wants", pastWhole, time.Now(), true, false},
		{"an old one", pastWhole, old, false, false},
		{"one that is half made", pastHalf, time.Now(), false, false},
		{"one that says nothing", "", time.Now(), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &story{Demo: Demo{Folder: t.TempDir(), Fresh: c.fresh}}
			other := filepath.Join(s.Folder, "rootkeep.db")
			for path, text := range map[string]string{other: "x", s.file(): c.marker} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chtimes(s.file(), c.at, c.at); err != nil {
				t.Fatal(err)
			}
			kept, err := s.take()
			_, there := os.Stat(other)
			if err != nil || kept != c.kept || (there == nil) != c.kept {
				t.Errorf("got %v, %v, the store there: %v; want it kept: %v", kept, err, there == nil, c.kept)
			}
		})
	}
	t.Run("a folder of somebody else is left alone", func(t *testing.T) {
		s := &story{Demo: Demo{Folder: t.TempDir(), Fresh: true}}
		other := filepath.Join(s.Folder, "thesis.txt")
		if err := os.WriteFile(other, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.take(); err == nil || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("got %v, want an error with a hint", err)
		}
		if _, err := os.Stat(other); err != nil {
			t.Errorf("got %v, want the file to be there", err)
		}
	})
}
