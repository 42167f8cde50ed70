package redis

import (
	"context"
	"fmt"

	"trawl/frontier"
)

// Refused implements frontier.Inspector. Cost: O(reasons).
func (s *Store) Refused(ctx context.Context) (map[frontier.Reason][]string, error) {
	st, err := s.Stats(ctx)
	if err != nil {
		return nil, err
	}
	examples := map[frontier.Reason][]string{}
	for why := range st.Refused {
		list, err := s.client.LRange(ctx, s.keys[0]+"e:"+string(why), 0, -1).Result()
		if err != nil {
			return nil, fmt.Errorf("refused links: %w", storeError(ctx, err))
		}
		if len(list) > 0 {
			examples[why] = list
		}
	}
	return examples, nil
}
