package watch

import (
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type onARN struct {
	ResourceARN string `aws:",must"`
}

// On is the ARN itself.
func (o *onARN) On(*cloud.Call) cloud.Resource { return cloud.Resource{ARN: o.ResourceARN} }

func (o *onARN) name(c *cloud.Call) (string, error) {
	name, ok := strings.CutPrefix(o.ResourceARN, c.ARN("alarm:"))
	if a, _ := state(c).find(name); !ok || a == nil {
		return "", cloud.Fail("ResourceNotFoundException", 404, "%s does not exist", o.ResourceARN)
	}
	return name, nil
}

type tagIn struct {
	onARN
	Tags []cloud.Tag `aws:",must"`
}

func tagAlarm(c *cloud.Call, in tagIn) (cloud.None, error) {
	name, err := in.name(c)
	if err == nil {
		state(c).tags[name] = cloud.SetTags(state(c).tags[name], in.Tags)
	}
	return cloud.None{}, err
}

type untagIn struct {
	onARN
	TagKeys []string `aws:",must"`
}

func untagAlarm(c *cloud.Call, in untagIn) (cloud.None, error) {
	name, err := in.name(c)
	if err == nil {
		state(c).tags[name] = cloud.DropTags(state(c).tags[name], in.TagKeys)
	}
	return cloud.None{}, err
}

type tagsOut struct{ Tags []cloud.Tag }

func listTags(c *cloud.Call, in onARN) (out tagsOut, err error) {
	name, err := in.name(c)
	if err != nil {
		return out, err
	}
	return tagsOut{state(c).tags[name]}, nil
}
