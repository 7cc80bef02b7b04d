package client

import "time"

// NoticeWay is a way by which the server tells people, and how it does.
type NoticeWay struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`             // ID of the notifier, or mail, ses, sns, syslog; empty if it is configured no more
	Target    string    `json:"target"`           // where it goes, without secrets
	Limits    string    `json:"limits,omitempty"` // what its receiver cannot do
	Taken     time.Time `json:"taken,omitzero"`   // when it last took a notice
	Failed    time.Time `json:"failed,omitzero"`  // when an attempt last failed
	Said      string    `json:"said,omitempty"`   // why
	Succeeded int64     `json:"succeeded"`        // notices that it took
	Failures  int64     `json:"failures"`         // attempts that failed
	Waiting   int       `json:"waiting"`          // notices that are to be sent
	Held      int       `json:"held"`             // that quiet hours hold back
	Dead      int       `json:"dead"`             // that nobody took
}

// NoticeLetter is a notice on one way that was not sent: nobody took it, or quiet hours
// hold it back.
type NoticeLetter struct {
	ID       string    `json:"id"` // of its job: what asks for it to be sent again
	Way      string    `json:"way"`
	Notice   string    `json:"notice"`
	Topic    string    `json:"topic"`
	Severity string    `json:"severity"`
	Title    string    `json:"title"`
	Thread   string    `json:"thread,omitempty"`
	Link     string    `json:"link,omitempty"`
	Attempt  int       `json:"attempt"`
	Error    string    `json:"error,omitempty"` // of the last attempt
	Created  time.Time `json:"created"`
	Due      time.Time `json:"due,omitzero"` // when one that is held is sent
	Taken    time.Time `json:"taken,omitzero"`
	Answer   string    `json:"answer,omitempty"` // what became of one that was sent, for a person
}

// NoticeTrial is what a way made of a test notice.
type NoticeTrial struct {
	Taken  bool   `json:"taken"`
	Answer string `json:"answer,omitempty"`
	Error  string `json:"error,omitempty"`
}
