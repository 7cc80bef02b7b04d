package guardduty

import (
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type destinationProperties struct{ DestinationArn, KmsKeyArn string }

type destinationShape struct {
	DestinationId, DestinationType, Status string
	PublishingFailureStartTimestamp        int64
	DestinationProperties                  destinationProperties
}

type createDestinationIn struct {
	onDetector
	DestinationType       string `aws:",must"`
	DestinationProperties destinationProperties
	ClientToken           string
}

type destinationOut struct{ DestinationId string }

func createDestination(c *cloud.Call, in createDestinationIn) (out destinationOut, err error) {
	d, err := in.detector(c)
	switch {
	case err != nil:
		return out, err
	case in.DestinationType != "S3" || in.DestinationProperties.DestinationArn == "":
		return out, c.Invalid("DestinationType must be S3, with a destination")
	}
	id := c.Cloud.Hex(32)
	d.destinations[id] = &destinationShape{DestinationId: id, DestinationType: "S3", Status: "PUBLISHING", DestinationProperties: in.DestinationProperties}
	return destinationOut{id}, nil
}

type listedDestination struct{ DestinationId, DestinationType, Status string }

type destinationsOut struct {
	Destinations []listedDestination
	NextToken    string
}

func listDestinations(c *cloud.Call, in onList) (out destinationsOut, err error) {
	d, err := in.detector(c)
	if err != nil {
		return out, err
	}
	var all []listedDestination
	for _, s := range cloud.Sorted(d.destinations) {
		all = append(all, listedDestination{s.DestinationId, s.DestinationType, s.Status})
	}
	out.Destinations, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type destinationIn struct {
	onDetector
	DestinationId string `aws:"DestinationId,uri"`
}

// On is the destination's ARN.
func (in *destinationIn) On(c *cloud.Call) cloud.Resource {
	return below(c, in.DetectorId, "publishingdestination", in.DestinationId)
}

func describeDestination(c *cloud.Call, in destinationIn) (out destinationShape, err error) {
	d, err := in.detector(c)
	if err != nil {
		return out, err
	}
	s := d.destinations[in.DestinationId]
	if s == nil {
		return out, c.Invalid("The request is rejected since no such resource found.")
	}
	return *s, nil
}

func deleteDestination(c *cloud.Call, in destinationIn) (cloud.None, error) {
	d, err := in.detector(c)
	if err != nil {
		return cloud.None{}, err
	}
	if d.destinations[in.DestinationId] == nil {
		return cloud.None{}, c.Invalid("The request is rejected since no such resource found.")
	}
	delete(d.destinations, in.DestinationId)
	return cloud.None{}, nil
}

type setShape struct{ Name, Format, Location, Status string }

type createSetIn struct {
	onDetector
	Name        string `aws:",must"`
	Format      string `aws:",must"`
	Location    string `aws:",must"`
	Activate    bool
	ClientToken string
}

type setIDOut struct{ IpSetId string }

func createIPSet(c *cloud.Call, in createSetIn) (out setIDOut, err error) {
	d, err := in.detector(c)
	if err != nil {
		return out, err
	}
	id := c.Cloud.Hex(32)
	d.sets[id] = &setShape{in.Name, in.Format, in.Location, map[bool]string{true: "ACTIVE", false: "INACTIVE"}[in.Activate]}
	return setIDOut{id}, nil
}

type setsOut struct {
	IpSetIds  []string
	NextToken string
}

func listIPSets(c *cloud.Call, in onList) (out setsOut, err error) {
	d, err := in.detector(c)
	if err != nil {
		return out, err
	}
	out.IpSetIds, out.NextToken, err = cut(c, in.paged, slices.Sorted(maps.Keys(d.sets)))
	return out, err
}

type setIn struct {
	onDetector
	IpSetId string `aws:"IpSetId,uri"`
}

// On is the set's ARN.
func (in *setIn) On(c *cloud.Call) cloud.Resource {
	return below(c, in.DetectorId, "ipset", in.IpSetId)
}

func getIPSet(c *cloud.Call, in setIn) (out setShape, err error) {
	d, err := in.detector(c)
	if err != nil {
		return out, err
	}
	s := d.sets[in.IpSetId]
	if s == nil {
		return out, c.Invalid("The request is rejected since no such resource found.")
	}
	return *s, nil
}
