package outbox

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
)

// lostTopic is of notices that a way takes none.
const lostTopic = "notice-failed"

// tellAfter is the attempt whose failure others hear of: a receiver that is away for a minute
// is none of their business.
const tellAfter = 4

// lost has the other ways tell, once a day for each way, that a notice does not arrive by this
// one: it was refused, or failed several times. Who is told by it alone would wait for ever.
// That others got it and one address does not is told as that, once a day for each address.
func (s *sending) lost(why string, final bool) part {
	return func(ctx context.Context, tx *store.Tx) error {
		of := &s.letter.Notice
		if of.Topic == lostTopic || !final && s.job.Attempt != tellAfter {
			return nil
		}
		now := tx.Clock().UTC()
		about, title := []string{s.letter.Way, now.Format(time.DateOnly)}, "Notices do not arrive by the way "+s.letter.Way
		if only := s.letter.Only; only != "" {
			about, title = append(about, only), "The way "+s.letter.Way+": notices do not arrive at "+text.Visible(only, text.Long)
		}
		n := notify.Notice{
			ID: ID(lostTopic, about...), Topic: lostTopic, Severity: rootkeep.High, Title: title,
			Text:    fmt.Sprintf("The first that did not: %s (%s, %s)\n%s\nHint: rootkeep notify status", text.Visible(of.Title, text.Long), of.Severity, of.Topic, text.Visible(why, text.Long)),
			Subject: of.ID, Link: pageOf(of.Link), At: now.Truncate(time.Second), Urgent: true,
		}
		for _, way := range s.router.Ways(n, tx.Clock()) {
			if way == s.letter.Way {
				continue
			}
			if _, err := s.putLetter(ctx, tx, letter{Way: way, Notice: n}); err != nil {
				return fmt.Errorf("tell that way %s takes nothing: %w", s.letter.Way, err)
			}
		}
		return nil
	}
}

// pageOf is the page of notices of the console that a link leads to.
func pageOf(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/notices"}).String()
}
