package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/web/jobs"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

func serve(t *testing.T) (*webtest.Server, storejobs.Keeper) {
	t.Helper()
	s := webtest.Store(t)
	actors := webtest.Everyone(time.Now())
	actors["local"] = webtest.Person("local", time.Now(), people.Grant{Role: people.Responder, Scope: "account:111122223333"})
	actors["stale"] = webtest.Person("stale", time.Now().Add(-time.Hour), people.Grant{Role: people.Admin, Scope: people.Everywhere})
	kinds := []jobs.Kind{
		{Name: "tidy", Title: "Tidy up"},
		{Name: "scan", Title: "Scan", Example: `{"role":"x"}`, Check: func(payload []byte) error {
			if strings.Contains(string(payload), "bad") {
				return errors.New("role: bad")
			}
			return nil
		}},
		{Name: "choose", Title: "Choose", Check: func([]byte) error { return nil }, Choices: func(context.Context, *store.Reader) ([]page.Input, error) {
			return []page.Input{
				{Name: "all", Label: "All", Kind: "checkbox"}, {Name: "some", Label: "Some", Kind: "many", Options: []page.Option{{Value: "a", Text: "<b>a"}, {Value: "b", Text: "b"}}},
				{Name: "one", Label: "One", Kind: "select", Options: []page.Option{{Text: "none"}, {Value: "x", Text: "x"}}},
			}, nil
		}},
	}
	return webtest.Serve(t, s, actors, jobs.Area(jobs.Config{Store: s, Kinds: kinds})), storejobs.Keeper{Store: s}
}

func TestAJobFromAskingToTryingAgain(t *testing.T) {
	s, keeper := serve(t)
	answer := s.JSON("operator", "POST", "/api/v1/jobs", `{"kind":"scan","payload":{"role":"<script>alert(1)</script>"}}`)
	if answer.Status != http.StatusAccepted {
		t.Fatalf("ask: %d %s", answer.Status, answer.Body)
	}
	var asked client.Job
	if err := json.Unmarshal([]byte(answer.Body), &asked); err != nil {
		t.Fatal(err)
	}
	j, err := keeper.Claim(t.Context(), "one", []string{"scan"}, time.Minute)
	if err != nil || j == nil || j.ID != asked.ID {
		t.Fatalf("claim: %+v, %v", j, err)
	}
	j.Progress = "\x1b[31mhalf<b>"
	if err := keeper.Finish(t.Context(), j, job.Outcome{State: job.Dead, Error: "<img src=x onerror=alert(1)>"}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/jobs", "/jobs/" + asked.ID} {
		page := s.Get("responder", path)
		if page.Status != http.StatusOK || !strings.Contains(page.Body, asked.ID) || strings.Contains(page.Body, "<img src=x") || strings.Contains(page.Body, "<b>") || strings.Contains(page.Body, "<script>alert") || strings.Contains(page.Body, "\x1b") {
			t.Errorf("%s: %d %s", path, page.Status, page.Body)
		}
	}
	if got := s.Get("operator", "/api/v1/jobs?state=dead"); !strings.Contains(got.Body, asked.ID) {
		t.Errorf("dead jobs: %s", got.Body)
	}
	if got := s.Form("responder", "/jobs/"+asked.ID+"/retry", nil); got.Status != http.StatusSeeOther {
		t.Errorf("try again: %d", got.Status)
	}
	if got := s.JSON("operator", "POST", "/api/v1/jobs/"+asked.ID+"/retry", ""); got.Status != http.StatusConflict {
		t.Errorf("try again what waits: %d", got.Status)
	}
}

func TestJobsThatAreRefused(t *testing.T) {
	s, _ := serve(t)
	for _, test := range []struct {
		name, actor, body string
		want              int
	}{
		{"of a kind that nobody may ask for", "operator", `{"kind":"expire"}`, 422},
		{"of a kind that takes no payload", "operator", `{"kind":"tidy","payload":{"a":1}}`, 422},
		{"with a payload that the kind refuses", "operator", `{"kind":"scan","payload":{"role":"bad"}}`, 422},
		{"with a payload that is no object", "operator", `{"kind":"scan","payload":[1]}`, 422},
		{"with an unknown field", "operator", `{"kind":"tidy","owner":"me"}`, 422},
		{"asked for by a viewer", "viewer", `{"kind":"tidy"}`, 403},
		{"asked for by the responder of one account", "local", `{"kind":"tidy"}`, 403},
		{"asked for by nobody", "", `{"kind":"tidy"}`, 401},
	} {
		if got := s.JSON(test.actor, "POST", "/api/v1/jobs", test.body); got.Status != test.want {
			t.Errorf("%s: got %d %s, want %d", test.name, got.Status, got.Body, test.want)
		}
	}
	if got := s.Get("local", "/jobs"); got.Status != http.StatusForbidden {
		t.Errorf("the list for the responder of one account: %d", got.Status)
	}
}

func TestASchedulesLife(t *testing.T) {
	s, _ := serve(t)
	body := `{"id":"morning","kind":"tidy","cron":"0 6 * * *","zone":"Europe/Berlin","enabled":true}`
	if got := s.JSON("operator", "PUT", "/api/v1/schedules/morning", body); got.Status != http.StatusForbidden {
		t.Errorf("a machine: got %d, want it refused", got.Status)
	}
	if got := s.JSON("stale", "PUT", "/api/v1/schedules/morning", body); got.Status != http.StatusForbidden {
		t.Errorf("an administrator whose key was touched an hour ago: got %d, want it refused", got.Status)
	}
	made := s.JSON("admin", "PUT", "/api/v1/schedules/morning", body)
	if made.Status != http.StatusOK || made.Header.Get("ETag") != `"1"` {
		t.Fatalf("make: %d %s", made.Status, made.Body)
	}
	if got := s.JSON("admin", "PUT", "/api/v1/schedules/morning", body); got.Status != http.StatusConflict {
		t.Errorf("make it twice: %d", got.Status)
	}
	if got := s.JSON("admin", "PUT", "/api/v1/schedules/morning", strings.Replace(body, "0 6", "0 7", 1), "If-Match", `"1"`); got.Status != http.StatusOK || got.Header.Get("ETag") != `"2"` {
		t.Errorf("change: %d %s", got.Status, got.Body)
	}
	if got := s.JSON("admin", "PUT", "/api/v1/schedules/morning", body, "If-Match", `"1"`); got.Status != http.StatusConflict {
		t.Errorf("change an old version: %d", got.Status)
	}
	for _, bad := range []string{"* * *", "@daily", "61 * * * *"} {
		if got := s.JSON("admin", "PUT", "/api/v1/schedules/morning", strings.Replace(body, "0 6 * * *", bad, 1), "If-Match", `"2"`); got.Status != http.StatusUnprocessableEntity {
			t.Errorf("cron %q: got %d", bad, got.Status)
		}
	}
	if page := s.Get("admin", "/schedules"); page.Status != http.StatusOK || !strings.Contains(page.Body, "0 7 * * * (Europe/Berlin)") {
		t.Errorf("page: %d %s", page.Status, page.Body)
	}
	form := url.Values{"id": {"morning"}, "version": {"2"}, "kind": {"tidy"}, "cron": {"0 8 * * *"}, "zone": {"UTC"}, "payload": {"{}"}}
	if got := s.Form("admin", "/schedules", form); got.Status != http.StatusSeeOther {
		t.Errorf("form: %d %s", got.Status, got.Body)
	}
	if page := s.Get("admin", "/schedules"); !strings.Contains(page.Body, "switched off") {
		t.Error("the schedule is still on")
	}
	if got := s.JSON("admin", "DELETE", "/api/v1/schedules/morning", ""); got.Status != http.StatusNoContent {
		t.Errorf("remove: %d %s", got.Status, got.Body)
	}
	if got := s.JSON("admin", "DELETE", "/api/v1/schedules/morning", ""); got.Status != http.StatusNotFound {
		t.Errorf("remove it twice: %d", got.Status)
	}
}

func TestAPayloadIsMadeOfChoices(t *testing.T) {
	s, keeper := serve(t)
	if got := s.Get("operator", "/jobs"); !strings.Contains(got.Body, `name="choice-choose-some"`) || strings.Contains(got.Body, "<b>a") {
		t.Errorf("got %s, want a list to choose from, escaped", got.Body)
	}
	for _, c := range []struct {
		name string
		form url.Values
		want string
	}{
		{"all of it", url.Values{"choice-choose-all": {"yes"}, "choice-choose-some": {"a", "b"}, "choice-choose-one": {"x"}}, `{"all":true,"one":"x","some":["a","b"]}`},
		{"nothing", url.Values{"choice-choose-one": {""}}, `{}`},
		{"what the form does not have", url.Values{"choice-choose-role": {"x"}, "payload": {`{"role":"x"}`}}, `{}`},
	} {
		c.form.Set("kind", "choose")
		c.form.Set("choice-choose", "yes")
		if got := s.Form("operator", "/jobs", c.form); got.Status != http.StatusSeeOther {
			t.Fatalf("%s: got %d %s", c.name, got.Status, got.Body)
		}
		j, err := keeper.Claim(t.Context(), "one", []string{"choose"}, time.Minute)
		if err != nil || j == nil || string(j.Payload) != c.want {
			t.Errorf("%s: got %+v, %v, want the payload %s", c.name, j, err, c.want)
		}
	}
	if got := s.Form("local", "/jobs", url.Values{"kind": {"choose"}, "choice-choose": {"yes"}}); got.Status != http.StatusForbidden {
		t.Errorf("a responder of one account: got %d, want 403", got.Status)
	}
}
