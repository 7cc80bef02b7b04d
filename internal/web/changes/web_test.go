package changes_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// compose is the form that plans a group of users.
func compose(name string) url.Values {
	return url.Values{
		"kind": {"group-make"}, "account": {"111111111111"}, "region": {""}, "p-name": {name}, "p-style": {"long"},
		"p-owners": {"jane\r\n tom \r\n\r\nkim, the third"}, "p-loud": {"no"}, "p-keep": {"30d"}, "p-count": {"2"},
	}
}

// planned sends a form that plans, and gives the path of the page that it leads to.
func (s *site) planned(form url.Values) string {
	s.t.Helper()
	return s.want(s.Form("ann", "/changes/new", form), http.StatusSeeOther).Header.Get("Location")
}

// lacks holds a page to what it must not have.
func lacks(t *testing.T, got webtest.Answer, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(got.Body, w) {
			t.Errorf("got a page with %q, want none", w)
		}
	}
}

// TestPagesOfTheWholePath goes the way of a person with a browser, without its script.
func TestPagesOfTheWholePath(t *testing.T) {
	s := start(t)
	s.want(s.Get("ann", "/changes"), 200, "Nothing was planned yet", "Plan a change")
	lacks(t, s.Get("bob", "/changes"), "Plan a change")
	s.want(s.Get("ann", "/changes/kinds"), 200, "/changes/kinds/password-policy", "Set the password policy for IAM users")
	s.want(s.Get("ann", "/changes/kinds/password-policy"), 200, "minimum_length", "iam:UpdateAccountPasswordPolicy", "/controls/PW-08", "/changes/new?kind=password-policy")
	s.want(s.Get("ann", "/changes/new"), 200, "Choose a kind of change", "Go on")
	s.want(s.Get("ann", "/changes/new?kind=password-policy&account=111111111111&p-minimum_length=20"), 200, `value="111111111111"`, `type="number" id="in-p-minimum_length" name="p-minimum_length" value="20"`, `name="p-reuse" value="24"`)

	at := s.planned(url.Values{"kind": {"password-policy"}, "account": {"111111111111"}, "p-minimum_length": {"20"}})
	id := strings.TrimPrefix(at, "/changes/")
	c := s.Read(t, id)
	sent := url.Values{"plan_sha256": {c.Hash}}
	s.want(s.Get("ann", at), 200, "Ask for its approval", "Withdraw", c.Hash, "iam:UpdateAccountPasswordPolicy", "What may break", "The state before", "How it is undone", "iam:DeleteAccountPasswordPolicy")
	lacks(t, s.Get("bob", at), "Ask for its approval", "Apply this plan", "Withdraw")
	s.want(s.Form("ann", at+"/request", url.Values{"plan_sha256": {strings.Repeat("0", 64)}}), 409, "hint: read it again")
	s.want(s.Form("ann", at+"/request", sent), 303)
	lacks(t, s.Get("ann", at), "Read and approve")
	s.want(s.Get("bob", at), 200, "Read and approve")
	s.want(s.Get("bob", "/approvals/"+id), 303)
	s.Approve(t, id, s.Bob)
	s.want(s.Get("ann", at), 200, "Apply this plan")
	if got := s.Form("tired", at+"/apply", sent); got.Status != 303 || !strings.HasPrefix(got.Header.Get("Location"), "/sign-in/again") {
		t.Errorf("with a key touched an hour ago: got %d %s, want the way to the key", got.Status, got.Header.Get("Location"))
	}
	s.want(s.Form("ann", at+"/apply", sent), 303)
	if c = s.Settled(t, id); c.State != changes.Applied {
		t.Fatalf("got %s: %s, want applied", c.State, c.Why)
	}
	s.want(s.Get("ann", at), 200, "the account was read back", ">made<", "Plan the undo")
	s.want(s.Form("ann", "/changes/new", url.Values{"kind": {"password-policy"}, "account": {"111111111111"}, "p-minimum_length": {"20"}}), 409, "There is nothing to change")
	undo := s.want(s.Form("ann", at+"/undo", url.Values{}), 303).Header.Get("Location")
	s.want(s.Get("ann", undo), 200, "Undo "+id, "Ask for its approval", "this is an undo")
	s.want(s.Get("ann", "/changes?state=planned"), 200, strings.TrimPrefix(undo, "/changes/"))
	s.want(s.Get("ann", "/changes?state=gone"), 422)
	s.want(s.Get("ann", "/changes?state=denied"), 200, "No change fits the filter")
	s.want(s.Form("ann", undo+"/withdraw", url.Values{"revision": {"7"}}), 409)
	s.want(s.Form("ann", undo+"/withdraw", url.Values{"revision": {"1"}}), 303)
}

// TestWhatCannotBeUndoneIsSaidFirst holds the pages of a final change to their order.
func TestWhatCannotBeUndoneIsSaidFirst(t *testing.T) {
	s := start(t)
	at := s.planned(compose("house"))
	for _, path := range []string{"/changes/kinds/group-make", "/changes/new?kind=group-make", at} {
		page := s.want(s.Get("ann", path), 200, "This cannot be undone", "Whoever joins the group since would lose its rights").Body
		if final, rest := strings.Index(page, "This cannot be undone"), strings.Index(page, "<dl"); final > rest {
			t.Errorf("%s: got other facts before what cannot be undone", path)
		}
	}
	p, err := s.Read(t, strings.TrimPrefix(at, "/changes/")).Parsed()
	if err != nil {
		t.Fatal(err)
	}
	owners, _ := p.Parameters["owners"].([]any)
	if len(owners) != 3 || owners[1] != "tom" || owners[2] != "kim, the third" || p.Parameters["keep"] != int64(30*24*3600) || p.Parameters["loud"] != false || p.Parameters["count"] != int64(2) {
		t.Errorf("got the parameters %v, want those of the form", p.Parameters)
	}
}

// TestAFormIsAboutTheResourceOfAFinding opens the form as a finding links to it.
func TestAFormIsAboutTheResourceOfAFinding(t *testing.T) {
	s := start(t)
	const trail = "arn:aws:cloudtrail:eu-west-3:111111111111:trail/main"
	for name, tt := range map[string]struct{ kind, resource, want string }{
		"the name of a user":              {"user-lock", "arn:aws:iam::111111111111:user/staff/jane", `name="p-user" value="jane"`},
		"the ARN of a trail":              {"trail-validation", trail, `name="p-trail" value="` + trail + `"`},
		"another type of resource":        {"user-lock", "arn:aws:iam::111111111111:role/jane", `name="p-user" value=""`},
		"what is no ARN":                  {"user-lock", "jane", `name="p-user" value=""`},
		"a name that the kind would deny": {"user-lock", "arn:aws:iam::111111111111:user/%22%3E", `name="p-user" value=""`},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.want(s.Get("ann", "/changes/new?kind="+tt.kind+"&account=111111111111&resource="+url.QueryEscape(tt.resource)), 200, tt.want)
		})
	}
}

// TestNoPageShowsItsTemplate looks for parts of templates that were taken for text.
func TestNoPageShowsItsTemplate(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/changes", "/changes/kinds", "/changes/kinds/group-make", "/changes/new", "/changes/new?kind=group-make", s.planned(compose("house"))} {
		lacks(t, s.want(s.Get("ann", path), 200), "@page.", "@one", "Sprint")
	}
}

// TestFormsSayWhatIsWrong keeps what was typed, and says at which input it does not fit.
func TestFormsSayWhatIsWrong(t *testing.T) {
	s := start(t)
	for name, tt := range map[string]struct {
		set   [2]string
		words []string
	}{
		"no account":              {[2]string{"account", ""}, []string{`href="#in-account"`, "is missing"}},
		"an account that is none": {[2]string{"account", "12"}, []string{`href="#in-account"`}},
		"a required text":         {[2]string{"p-name", ""}, []string{`href="#in-p-name"`}},
		"a text that fits not":    {[2]string{"p-name", "A B"}, []string{`href="#in-p-name"`, `value="A B"`}},
		"a number out of range":   {[2]string{"p-count", "9"}, []string{`href="#in-p-count"`, "at most 5"}},
		"a time that is none":     {[2]string{"p-keep", "soon"}, []string{`href="#in-p-keep"`}},
		"a choice that is none":   {[2]string{"p-style", "wild"}, []string{`href="#in-p-style"`, "want one of short, long"}},
		"what the kind requires":  {[2]string{"p-loud", "yes"}, []string{"This is not planned", "nobody may be told of house", "long"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			form := compose("house")
			form.Set(tt.set[0], tt.set[1])
			s.want(s.Form("ann", "/changes/new", form), 422, tt.words...)
		})
	}
	s.t = t
	s.want(s.Form("ann", "/changes/new", url.Values{"account": {"1"}}), 422, "choose what is to be changed")
	s.want(s.Form("ann", "/changes/new", url.Values{"kind": {"none"}, "account": {"1"}}), 422, "there is no kind of change none on this server")
}

// TestWhatAPersonDoes plans a change that AWS lets nobody but a person make.
func TestWhatAPersonDoes(t *testing.T) {
	s := start(t)
	c := s.approved(`{"kind":"root-access-key-guide","account":"111111111111"}`, s.Bob, s.Gus)
	at := "/changes/" + c.ID
	s.want(s.Get("ann", at), 200, "What a person does, in this order", "It was done: read it back", "what a person does, a person undoes")
	s.want(s.Form("ann", at+"/apply", url.Values{"plan_sha256": {c.SHA256}}), 303)
	if got := s.Settled(t, c.ID); got.State != changes.Stopped {
		t.Errorf("got %s although nobody did it, want it stopped", got.State)
	}
	s.want(s.Get("ann", at), 200, "It was done: read it back", "Give it up")
}

func TestBatchPages(t *testing.T) {
	s := start(t)
	form := compose("house")
	form.Set("account", "222222222222, 111111111111")
	at := s.planned(form)
	page := s.want(s.Get("ann", at), 200, "Make a group of users", "Ask for approval of all", ">canary<")
	if strings.Index(page.Body, "222222222222") > strings.Index(page.Body, "111111111111") {
		t.Error("got the canary behind the others")
	}
	s.want(s.Form("ann", at+"/request", url.Values{}), 303)
	s.want(s.Form("ann", at+"/request", url.Values{}), 409)
	lacks(t, s.Get("bob", at), "Apply the batch", "Ask for approval of all")
	s.want(s.Get("fay", at), 404)
}

// TestHostileTextOfChanges has names and parameters try to become markup.
func TestHostileTextOfChanges(t *testing.T) {
	s := start(t)
	evil := s.Person(t, `<script>alert(1)</script>`, people.Approver, people.Everywhere)
	form := compose("house")
	form.Set("p-owners", `"><img src=x onerror=alert(1)>`+"\n</code><script>alert(2)</script>")
	at := s.planned(form)
	c := s.Read(t, strings.TrimPrefix(at, "/changes/"))
	s.want(s.Form("ann", at+"/request", url.Values{"plan_sha256": {c.Hash}}), 303)
	s.Approve(t, c.ID, evil)
	bad := url.QueryEscape(`"><script>alert(3)</script>`)
	for _, path := range []string{at, "/changes", "/changes?kind=" + bad + "&batch=" + bad, "/changes/new?kind=" + bad + "&account=" + bad, "/changes/new?kind=group-make&account=" + bad + "&p-name=" + bad + "&p-owners=" + bad} {
		lacks(t, s.want(s.Get("ann", path), 200), "<script>alert", "<img src=x")
	}
}
