package serve

import (
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/backup"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/report/sheet/sheettest"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// TestPagesOfTheDemonstration looks at every page that the menu leads to, and at one of
// each kind below, over a past of a week: as an administrator, and at the first page as
// the visitor who comes first.
func TestPagesOfTheDemonstration(t *testing.T) {
	sheettest.Browser(t) // skips where there is none, before the past is made
	world, err := demo.New(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	aws := httptest.NewServer(simtest.In("us-east-1", "eu-west-1")(world))
	defer aws.Close()
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": aws.URL, "AWS_ACCESS_KEY_ID": world.Administrator.ID, "AWS_SECRET_ACCESS_KEY": world.Administrator.Secret, "AWS_SESSION_TOKEN": "",
		"AWS_REGION": "us-east-1", "AWS_PROFILE": "", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	h := dwell(t, Settings{Backup: backup.Settings{Folder: t.TempDir()}}, world.Now)
	h.story = &story{Demo: Demo{Folder: t.TempDir(), weeks: 1}, world: world}
	h.url = &url.URL{Scheme: "http", Host: "localhost"}
	if err := h.live(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.keepOwn(t.Context()); err != nil {
		t.Fatal(err)
	}
	areas, err := h.areas()
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	actors["visitor"] = visitor
	s := webtest.Serve(t, h.store, actors, areas...)
	account := string(world.Account("app-1"))
	b := s.Browser(t)
	b.Photograph("visitor", "demo-visitor", "/")
	b.Photograph("requester", "demo-requester", "/findings?status=fail&account="+account)
	b.Photograph("requester", "demo-ask", "/exceptions/new?account="+account+"&control=RT-01")
	for name, path := range map[string]string{
		"home": "/", "posture": "/posture", "account": "/posture/" + account, "findings": "/findings?status=fail", "finding": first(t, s, "/findings?status=fail&account="+account, "/findings/FI-"),
		"controls": "/controls", "control": "/controls/RT-01", "frameworks": "/frameworks", "framework": first(t, s, "/frameworks", "/frameworks/"),
		"scans": "/scans", "scan": first(t, s, "/scans", "/scans/SC-"), "alerts": "/alerts", "alert": first(t, s, "/alerts", "/alerts/AL-"),
		"root-uses": "/root-uses", "root-use": first(t, s, "/root-uses?used=yes", "/root-uses/"), "sign-ins": "/sign-ins", "suppressions": "/suppressions", "rules": "/rules", "sources": "/sources", "coverage": "/coverage", "coverage-account": "/coverage?account=" + account, "hunts": "/hunts", "hunt": first(t, s, "/hunts", "/hunts/HU-"),
		"exceptions": "/exceptions", "exception": first(t, s, "/exceptions", "/exceptions/EX-"),
		"ledger": "/ledger", "entry": "/ledger/0", "jobs": "/jobs", "notices": "/notices", "schedules": "/schedules", "schedule": "/schedules/backup",
		"people": "/people", "person": first(t, s, "/people", "/people/PE-"), "invite": "/people/new", "tokens": "/tokens",
	} {
		b.Photograph("admin", "demo-"+name, path)
	}
}

// first is the first link of a page that begins so.
func first(t *testing.T, s *webtest.Server, page, prefix string) string {
	t.Helper()
	got := s.Get("admin", page)
	_, after, found := strings.Cut(got.Body, `href="`+prefix)
	rest, _, _ := strings.Cut(after, `"`)
	if !found || rest == "" {
		t.Errorf("%s: got %d without a link to %s", page, got.Status, prefix)
		return page
	}
	return prefix + strings.ReplaceAll(rest, "&amp;", "&")
}
