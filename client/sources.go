package client

import "time"

// LiveSources is how what is read while it happens stands.
type LiveSources struct {
	Sources []LiveSource  `json:"sources" doc:"Those that somebody has to look at first, then by name"`
	Places  []SourcePlace `json:"places" doc:"How far each source is in each account and Region that you may read: the largest lag first, at most 1,000"`
	More    int           `json:"more,omitempty" doc:"Places that are left out"`
	Unread  []string      `json:"unread" doc:"Accounts that something is known of, and that no source has brought anything of; at most 1,000"`
	Readers []FlowReader  `json:"readers" doc:"Processes that detect in a share of the flow, where there is a broker"`
	Flow    *Flow         `json:"flow,omitempty" doc:"What waits between processes; none without a broker"`
}

// LiveSource is how a live source stands. Texts may be of files: escape them. Fault,
// Busy and Latest are for who reads everywhere: they may name any account.
type LiveSource struct {
	Name        string    `json:"name"`
	State       string    `json:"state" enum:"reading,waiting,behind,silent,fault,unread,gone" doc:"waiting: it did not answer yet; silent: it does not answer, or brings nothing any more; behind: for so long that detections go on without it; unread: no process says how it stands; gone: no source of this name is configured any more"`
	Owner       string    `json:"owner,omitempty" doc:"The process that reads it, or did last"`
	Readers     []string  `json:"readers,omitempty" doc:"The processes that say how it stands, where several read it at once"`
	Until       time.Time `json:"until,omitzero" doc:"How long that process has it, unless it says so again"`
	Heard       time.Time `json:"heard,omitzero" doc:"The last answer of what is behind it"`
	Last        time.Time `json:"last,omitzero" doc:"When it last delivered something"`
	Complete    time.Time `json:"complete,omitzero" doc:"Up to when all that was there was delivered"`
	Behind      time.Time `json:"behind,omitzero" doc:"Since when that does not follow, though the source is read"`
	Ended       time.Time `json:"ended,omitzero" doc:"When it was taken out of the settings"`
	Reason      string    `json:"reason,omitempty" doc:"Why it is gone"`
	Delay       float64   `json:"delay_seconds" doc:"How late events come by it at the most"`
	Fault       string    `json:"fault,omitempty"`
	Busy        string    `json:"busy,omitempty" doc:"What takes long now: a large object, or the rules that match most while what was found waits to be kept"`
	Gap         string    `json:"gap,omitempty" doc:"What it cannot see by its nature"`
	Skipped     int       `json:"skipped" doc:"Objects that could not be read, since its process began"`
	Latest      string    `json:"latest,omitempty" doc:"The last of them, and why"`
	Taken       int64     `json:"taken" doc:"Deliveries that were kept, ever"`
	Objects     int64     `json:"objects" doc:"Objects that were read and whose mark is kept, ever, over all processes"`
	Records     int64     `json:"records" doc:"Records in them"`
	Undecodable int64     `json:"undecodable" doc:"Records that nobody could read, ever"`
	Noted       time.Time `json:"noted,omitzero" doc:"When its process said so"`
}

// SourcePlace is how far a source is in an account and Region. Both are as keys and
// envelopes name them: escape them.
type SourcePlace struct {
	Source  string    `json:"source"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Last    time.Time `json:"last" doc:"Of the latest object or event"`
	Arrived time.Time `json:"arrived"`
	Lag     float64   `json:"lag_seconds" doc:"How long the latest took to arrive"`
}

// FlowReader is a process with a share of the flow.
type FlowReader struct {
	Owner string `json:"owner"`
	Parts int    `json:"parts"`
}

// Flow is what waits between processes.
type Flow struct {
	Waiting []FlowPart `json:"waiting" doc:"Partitions in which something waits"`
	Oldest  time.Time  `json:"oldest,omitzero" doc:"When the first of it was published"`
	// InFlight and Redelivered are of messages that processes have at the moment.
	InFlight    int         `json:"in_flight" doc:"Messages that are delivered to a process, and not acknowledged yet"`
	Redelivered int         `json:"redelivered" doc:"Of those, messages that were delivered more than once"`
	Aside       uint64      `json:"aside" doc:"Messages that could not be handled"`
	List        []FlowAside `json:"list" doc:"The first of them"`
	Fault       string      `json:"fault,omitempty" doc:"Of the connection"`
}

// FlowPart is a partition of the flow.
type FlowPart struct {
	Partition int    `json:"partition"`
	Messages  uint64 `json:"messages"`
}

// FlowAside is a message that could not be handled. Its reason may hold text of a log.
type FlowAside struct {
	Number    uint64    `json:"number"`
	Since     time.Time `json:"since"`
	Partition int       `json:"partition"`
	Reason    string    `json:"reason"`
}
