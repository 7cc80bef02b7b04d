package rootrequest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func watchCommand(s cli.Streams) *cobra.Command {
	var f flags
	var last int
	var within time.Duration
	c := &cobra.Command{
		Use:   "watch [ID]",
		Short: "Watch events of root users arrive, each with its verdict",
		Long: `Watch prints each event of a root user when it arrives, and again when its verdict
changes, with the cases that are opened. With the ID of a request it prints the events of
its accounts, counts down on a terminal, and ends when the request has ended. With
--output json each line is a document.

Exit codes: 3 if nothing explained an event that it printed.`,
		Example: "  rootkeep root watch\n  rootkeep root watch RR-1KB2Z7Q0MX7F3A\n  rootkeep root watch --for 10m --output json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			w := &watch{s: s, json: f.Output == "json", uncovered: map[string]bool{}, seen: map[string]string{}, paint: plain}
			if last < 0 || last > 200 || within < 0 {
				return cli.Usage("--last: want 0 to 200; --for: a span such as 10m")
			}
			if len(args) == 1 {
				var err error
				if w.id, err = RequestID(args[0]); err != nil {
					return err
				}
			}
			var err error
			if w.server, err = f.Client(); err != nil {
				return err
			}
			ctx := c.Context()
			if within > 0 {
				var stop context.CancelFunc
				ctx, stop = context.WithTimeout(ctx, within)
				defer stop()
			}
			w.terminal()
			return w.run(ctx, last)
		},
	}
	f.Register(c)
	c.Flags().IntVar(&last, "last", 0, "print so many of the newest events first, at most 200")
	c.Flags().DurationVar(&within, "for", 0, "watch so long (default until it is interrupted)")
	return c
}

// watch is what has been printed, and of what.
type watch struct {
	s      cli.Streams
	server *client.Client
	id     string // "" for all that may be read
	json   bool
	paint  painter
	width  int // of the terminal with the countdown; 0 for none

	request   *client.RootRequestDetail // of id, as it was read last
	behind    time.Duration             // of this machine's clock behind the server's
	seen      map[string]string         // what was printed of something, by its ID
	uncovered map[string]bool           // events that nothing covers, by key
}

// mostSeen bounds what is remembered of what was printed: whoever watches for weeks sees
// some of it twice.
const mostSeen = 20_000

func (w *watch) terminal() {
	width, is := cli.TerminalWidth(w.s.Out)
	if !is || w.json {
		return
	}
	w.width = width
	if os.Getenv("NO_COLOR") == "" {
		w.paint = painted
	}
}

// notice is something of the stream, or why there is no more.
type notice struct {
	client.Event
	err error
}

// run prints until the context ends, or the request has.
func (w *watch) run(ctx context.Context, last int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	notices := make(chan notice)
	go w.stream(ctx, notices)
	tick := make(<-chan time.Time)
	if w.width > 0 && w.id != "" {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		tick = t.C
	}
	first := true
	for {
		var err error
		select {
		case <-ctx.Done():
			return w.end()
		case <-tick:
			w.countdown()
			continue
		case n := <-notices:
			if err = n.err; err == nil {
				err = w.take(ctx, n.Event, first, last)
				first = first && n.Kind != "ready"
			}
		}
		switch {
		case ctx.Err() != nil:
			return w.end()
		case err != nil:
			w.clear()
			return Told(err)
		case w.request != nil && slices.Contains(ended, w.request.State):
			return w.end()
		}
	}
}

// ended are the states behind which nothing comes.
var ended = []string{"closed", "lapsed", "denied", "expired", "withdrawn"}

func (w *watch) end() error {
	w.clear()
	if len(w.uncovered) > 0 {
		return &cli.Error{Code: cli.ExitRoot}
	}
	return nil
}

// stream passes on what the server tells, and opens its stream again when it ends.
func (w *watch) stream(ctx context.Context, to chan<- notice) {
	pause, last := time.Second, ""
	for ctx.Err() == nil {
		var failed error
		for e, err := range w.server.Events(ctx, last) {
			if err != nil {
				failed = err
				break
			}
			last, pause = cmp.Or(e.ID, last), time.Second
			if !send(ctx, to, notice{Event: e}) {
				return
			}
		}
		var p *client.Problem
		if errors.As(failed, &p) && p.Status < 500 && p.Status != 429 {
			send(ctx, to, notice{err: failed})
			return
		}
		if failed != nil && ctx.Err() == nil {
			fmt.Fprintf(w.s.Err, "rootkeep: %s; it is tried again\n", cli.Visible(failed.Error()))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, 30*time.Second)
	}
}

func send(ctx context.Context, to chan<- notice, n notice) bool {
	select {
	case to <- n:
		return true
	case <-ctx.Done():
		return false
	}
}

// take prints what a notice is about.
func (w *watch) take(ctx context.Context, e client.Event, first bool, last int) error {
	switch {
	case e.Kind == "ready" && first:
		return w.begin(ctx, last)
	case e.Kind == "reset":
		return w.newest(ctx, 200, true)
	case e.Kind != "notice":
		return nil
	case e.Notice.Topic == "root" && strings.HasPrefix(e.Notice.Ref, "RU-"):
		return w.event(ctx, e.Notice.Ref)
	case e.Notice.Topic == "root" && strings.HasPrefix(e.Notice.Ref, "RR-"):
		return w.changed(ctx, e.Notice.Ref)
	case e.Notice.Topic == "incident" && strings.HasPrefix(e.Notice.Ref, "CS-"):
		return w.incident(ctx, e.Notice.Ref)
	}
	return nil
}

// begin prints what is there already. The stream is open by then: nothing falls between.
func (w *watch) begin(ctx context.Context, last int) error {
	if w.id == "" {
		return w.newest(ctx, max(last, 1), last > 0)
	}
	if err := w.changed(ctx, w.id); err != nil {
		return err
	}
	if !w.json {
		if err := cli.PrintVisible(w.s.Out, strings.Join(head(w.request), "\n")+"\n"); err != nil {
			return err
		}
	}
	for i := range w.request.Events {
		if err := w.print(&w.request.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

func head(x *client.RootRequestDetail) []string {
	return []string{cli.Visible(x.Task + "  " + x.Title), cli.Visible("accounts " + strings.Join(x.Accounts, ", ") + ", " + stamp(x.From) + " to " + stamp(x.Until))}
}

// newest reads the newest events, and prints those that are new here.
func (w *watch) newest(ctx context.Context, n int, print bool) error {
	list, err := client.Get[client.Page[client.RootEvent]](ctx, w.server, events, url.Values{"limit": {strconv.Itoa(n)}})
	if err != nil {
		return err
	}
	for i := range slices.Backward(list.Items) {
		e := &list.Items[i]
		if !print {
			w.seen[e.Key] = e.Verdict
			continue
		}
		if err := w.print(e); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) event(ctx context.Context, key string) error {
	e, err := client.Get[client.RootEventDetail](ctx, w.server, events+"/"+url.PathEscape(key), nil)
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.print(&e.RootEvent)
}

// gone says whether something may not be read, or is there no more: that is no failure of
// who watches.
func gone(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && (p.Status == 404 || p.Status == 403)
}

// print prints an event, unless it was printed with the same verdict, or is of accounts
// that are not watched.
func (w *watch) print(e *client.RootEvent) error {
	if w.request != nil && e.Request != w.id && !slices.Contains(w.request.Accounts, e.Account) {
		return nil
	}
	if v := rootkeep.Verdict(e.Verdict); e.Verdict != "" && v.Harmless() {
		delete(w.uncovered, e.Key)
	} else if e.Verdict != "" {
		w.uncovered[e.Key] = true
	}
	if !w.fresh(e.Key, e.Verdict) {
		return nil
	}
	return w.say(eventLines(e, w.paint), "event", e)
}

// fresh notes what is printed of something, and says whether it is anything new.
func (w *watch) fresh(key, what string) bool {
	if was, known := w.seen[key]; known && was == what {
		return false
	}
	if len(w.seen) >= mostSeen {
		clear(w.seen)
	}
	w.seen[key] = what
	return true
}

// say prints text whose values are harmless already, or a document.
func (w *watch) say(text, name string, value any) error {
	w.clear()
	if !w.json {
		_, err := fmt.Fprint(w.s.Out, text)
		w.countdown()
		return err
	}
	enc := json.NewEncoder(&cli.Inert{To: w.s.Out})
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"schema": "rootkeep/root-watch/1", name: value})
}

// changed prints where a request stands, if that is another state than before.
func (w *watch) changed(ctx context.Context, id string) error {
	if w.id != "" && id != w.id {
		return nil
	}
	x, err := client.Get[client.RootRequestDetail](ctx, w.server, path(id), nil)
	if w.id == "" && gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if w.id != "" {
		w.request = &x
		w.behind = time.Until(x.Now)
	}
	if !w.fresh(id, x.State) {
		return nil
	}
	return w.say(cli.Visible(x.ID+" is "+x.State)+"\n", "request", &x.RootRequest)
}

func (w *watch) incident(ctx context.Context, id string) error {
	x, err := client.Get[client.IncidentDetail](ctx, w.server, "/incidents/"+url.PathEscape(id), nil)
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if w.request != nil && x.Request != w.id && !slices.Contains(w.request.Accounts, x.Account) || !w.fresh(id, fmt.Sprint(x.State, x.Events)) {
		return nil
	}
	line := fmt.Sprintf("  %s  case %s, %s: %s, %d events", w.paint(fmt.Sprintf("%-13s", "CASE")), cli.Visible(id), cli.Visible(x.State), cli.Visible(x.Title), x.Events)
	if x.State == "closed" {
		line = fmt.Sprintf("  %-13s  case %s is closed: %s", "", cli.Visible(id), cli.Visible(x.Reason))
	}
	return w.say(line+"\n", "case", &x.Incident)
}

// countdown draws how much time is left on the last line.
func (w *watch) countdown() {
	if w.width == 0 || w.request == nil {
		return
	}
	line := w.id + " " + w.request.State
	if left := remaining(w.request, time.Now().Add(w.behind)); left != "" {
		line += ", " + left
	}
	fmt.Fprintf(w.s.Out, "\r%s\x1b[K", line[:min(len(line), max(w.width-1, 0))])
}

func (w *watch) clear() {
	if w.width > 0 {
		fmt.Fprint(w.s.Out, "\r\x1b[K")
	}
}
