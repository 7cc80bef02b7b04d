package serve

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

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

var alertPage = regexp.MustCompile(`/alerts/AL-[0-9A-Z]+`)

// triaged holds the inbox to what needs somebody: alerts of the past that people stand by are
// closed, with what they said, and uses of root are with their case.
func (d *demonstration) triaged() {
	d.t.Helper()
	for state, reason := range map[string]string{"closed": "It was they themselves", "acknowledged": " tells of it."} {
		_, list := d.ask("GET", "/alerts?state="+state)
		if !slices.ContainsFunc(alertPage.FindAllString(list, -1), func(path string) bool {
			_, body := d.ask("GET", path)
			return strings.Contains(body, reason) && strings.Contains(body, "Esi Responder")
		}) {
			d.t.Errorf("got no %s alert with the reason %q by Esi\n%s", state, reason, list)
		}
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
	if text, err := os.ReadFile(filepath.Join(folder, "rootkeep-demo.txt")); err != nil || !strings.HasPrefix(string(text), "The past is being made.") {
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
	for _, path := range []string{"/alerts", "/suppressions", "/rules", "/sources", "/coverage", "/root-uses", "/posture", "/scans", "/hunts", "/exceptions", "/ledger", "/notices"} {
		second.want("GET", path, 200, "Visitor")
	}
	second.want("GET", "/sources", 200, "organization-trail")
	second.want("GET", "/notices", 200, "receiver-on-this-machine")
	second.want("GET", "/", 200, `href="/notices"`) // in the menu
	if _, page := second.ask("GET", "/notices"); strings.Contains(page, "Send a test") {
		t.Error("got a button for a visitor, who changes nothing")
	}
	second.triaged()
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
