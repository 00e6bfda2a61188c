# SPDX-License-Identifier: BSD-2-Clause
# SPIN models of the signalling protocols: each NAME.pml is searched through, all of it.
MODEL_DIR := $(BUILD_DIR)/model
MODELS := $(patsubst tests/model/%.pml,%,$(wildcard tests/model/*.pml))

# NAME_MODEL_FLAGS beside this: what the compiler is to be told of a model.
$(MODEL_DIR)/%/pan: tests/model/%.pml
	@mkdir -p $(@D)
	@$(call need,spin gcc)
	$(call say,model,$<)
	$(Q)cp $< $(@D)/ && cd $(@D) && { spin -a $*.pml >spin.log || { cat spin.log; exit 1; }; }
	$(Q)gcc -O2 -w -DSAFETY $($*_MODEL_FLAGS) -o $@ $(@D)/pan.c

.PHONY: model
model: $(MODELS:%=$(MODEL_DIR)/%/pan) ## search the models of the signalling for errors
	@cd $(MODEL_DIR) && for m in $(MODELS); do echo "== $$m"; \
	    (cd $$m && ./pan -m1000000 >pan.log && grep -q 'errors: 0$$' pan.log && \
	    ! grep -q 'max search depth too small' pan.log) || \
	    { cat $$m/pan.log; echo "the way there: spin -p -t in $(MODEL_DIR)/$$m"; exit 1; }; done
