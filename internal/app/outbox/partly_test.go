package outbox_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/letters"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// post is a mail server that refuses some recipients, and keeps who got a mail.
type post struct {
	net.Listener
	mu     sync.Mutex        // guards what follows
	refuse map[string]string // recipient: answer
	got    []string          // recipients of each mail
}

func postOffice(t *testing.T) *post {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &post{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.talk(conn)
		}
	}()
	return p
}

func (p *post) talk(conn net.Conn) {
	defer conn.Close()
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	say("220 post")
	var to []string
	for in := bufio.NewScanner(conn); in.Scan(); {
		verb, rest, _ := strings.Cut(in.Text(), " ")
		switch verb {
		case "RCPT":
			a := strings.TrimSuffix(strings.TrimPrefix(rest, "TO:<"), ">")
			p.mu.Lock()
			no := p.refuse[a]
			p.mu.Unlock()
			if no != "" {
				say(no)
				continue
			}
			to = append(to, a)
			say("250 ok")
		case "DATA":
			say("354 go on")
			for in.Scan() && in.Text() != "." {
			}
			p.mu.Lock()
			p.got = append(p.got, strings.Join(to, " "))
			p.mu.Unlock()
			say("250 queued")
		default:
			say("250 ok")
		}
	}
}

func (p *post) refuses(whom map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = whom
}

// mailSite is a site whose way mail goes to three recipients; more is of the file of ways.
func mailSite(t *testing.T, address, more string) (*site, *post) {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 3, 20, 0, 0, 0, time.UTC)}
	o := storetest.Options(t)
	o.Now = c.now
	s := &site{t: t, clock: c, store: storetest.Open(t, address, o)}
	p := postOffice(t)
	file := filepath.Join(t.TempDir(), "ways.yaml")
	_, port, _ := net.SplitHostPort(p.Addr().String())
	text := "ways:\n  - {name: mail, mail: {host: 127.0.0.1, port: " + port + ", encryption: none, from: rootkeep@example.com, to: [ann@example.com, grey@example.com, gone@example.com]}}\n" + more
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.box, err = outbox.Open(outbox.Settings{Ways: file}, c.now, s.store, nil); err != nil {
		t.Fatal(err)
	}
	return s, p
}

// Who is refused for now gets the mail later, who is refused for good is a letter that nobody
// took, and nobody gets it twice.
func TestRecipientsThatAreRefused(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		s, p := mailSite(t, address, "")
		p.refuses(map[string]string{"grey@example.com": "451 4.7.1 greylisted", "gone@example.com": "550 unknown"})
		put(t, s.store, s.box, notice)
		got := s.work()
		slices.Sort(got)
		s.want("the first attempt", got, []string{"mail/NO-1 done", "mail/NO-1/gone@example.com dead", "mail/NO-1/grey@example.com waiting"})
		p.refuses(nil)
		s.pass(time.Minute)
		s.want("the next", s.work(), []string{"mail/NO-1/grey@example.com done"})
		if diff := cmp.Diff([]string{"ann@example.com", "grey@example.com"}, p.got); diff != "" {
			t.Errorf("mails (-want +got):\n%s", diff)
		}
		kinds := []string{}
		for _, e := range told(t, s.store) {
			kinds = append(kinds, strings.Fields(e)[0])
		}
		slices.Sort(kinds)
		s.want("ledger", kinds, []string{"notice.failed", "notice.sent", "notice.sent"})
		p.refuses(map[string]string{"grey@example.com": "451 4.7.1 greylisted"})
		if answer, err := s.box.Try(t.Context(), "mail", notice); err == nil || !strings.Contains(err.Error(), "refused for grey@example.com") {
			t.Errorf("a try: got %q, %v, want who is refused", answer, err)
		}
	})
}

// An address that is refused while others get the mail is told as that: it does not hide, later
// that day, that mail is down.
func TestOneAddressThatGetsNothingIsNotTheWay(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		slack, key := newRoom(t), filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(key, []byte("xoxb-0123456789-abcdefghij"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, p := mailSite(t, address, fmt.Sprintf("  - {name: room, notifier: slack, settings: {url: '%s', channel: C1}, secret_files: {token: %s}}\nroutes:\n  - {ways: [mail], topics: [alert*]}\n  - {ways: [room], topics: [notice-failed]}\n", slack.URL, key))
		s.room = slack
		s.put("NO-0", "", rootkeep.High)
		s.work()
		for i, refused := range []map[string]string{
			{"gone@example.com": "550 unknown"},
			{"gone@example.com": "550 unknown"},
			{"gone@example.com": "550 unknown", "grey@example.com": "550 unknown"},
			{"ann@example.com": "550 no", "grey@example.com": "550 no", "gone@example.com": "550 no"},
		} {
			p.refuses(refused)
			s.put(fmt.Sprintf("NO-%d", i+1), "update", rootkeep.High)
			s.work()
			failures := 0
			if i == 3 {
				failures = 1
			}
			err := s.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				ways, err := kept.Ways(ctx, r)
				if got := ways["mail"].Failures; int(got) != failures {
					t.Errorf("notice %d: got %d failures of the way, want %d", i+1, got, failures)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		s.want("told", s.got, []string{
			"chat.postMessage 1.0 The way mail: notices do not arrive at gone@example.com",
			"chat.postMessage 2.0 The way mail: notices do not arrive at grey@example.com",
			"chat.postMessage 3.0 Notices do not arrive by the way mail",
		})
	})
}
