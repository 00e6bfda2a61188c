# SPDX-License-Identifier: BSD-2-Clause
# SPIN models of the signalling protocols: each NAME.pml is searched through, all of it. Then with
# each of NAME_MODEL_ERRORS, which leaves out something that the code does: the search must find an
# error, or the model shows nothing.
MODEL_DIR := $(BUILD_DIR)/model
MODELS := $(patsubst tests/model/%.pml,%,$(wildcard tests/model/*.pml))

block_MODEL_ERRORS := NO_WAIT EARLY_FLUSH LATE_IRQ_ACK LATE_STATUS
kernel_MODEL_ERRORS := NO_NOTIFIED_LOOK NO_PENDING_LOOK UNMASKED_WFI NO_WATCH NO_ENDED_LOOK \
    NO_EVENT_WAKE NO_REARM
net_queue_MODEL_ERRORS := NO_FENCE NO_SECOND_LOOK
port_MODEL_ERRORS := NO_FENCE NO_SECOND_LOOK NO_LOOK_FOR_ROOM NO_ROOM NO_STATE
serial_MODEL_ERRORS := NO_FENCE NO_SECOND_LOOK LATE_MARK EARLY_HEAD NO_LAST_LOOK BLIND_WAIT
vsock_switch_MODEL_ERRORS := NO_SECOND_LOOK DEAF OVERTAKE PINNED NO_CUT

# A model as the code is lies in NAME/RIGHT, the others beside it.
define model_search
$(MODEL_DIR)/$(1)/$(2)/pan: tests/model/$(1).pml
	@mkdir -p $$(@D)
	@$$(call need,model)
	$$(call say,model,$(1) $(2))
	$$(Q)cp $$< $$(@D)/ && cd $$(@D) && { spin -D$(2) -a $(1).pml >spin.log || { cat spin.log; echo 'spin refuses $$<; correct it' >&2; exit 1; }; }
	$$(Q)gcc -O1 -w -DSAFETY -o $$@ $$(@D)/pan.c $$(call or_say,gcc cannot compile the search that spin made; look at $$(@D)/pan.c)
endef
$(foreach m,$(MODELS),$(foreach e,RIGHT $($(m)_MODEL_ERRORS),$(eval $(call model_search,$(m),$(e)))))

# `call search,NAME/ERROR`: its last line is "errors: N" and some states.
search = cd $(MODEL_DIR)/$(1) && ./pan -m1000000 >pan.log && ! grep -q 'search depth too small' pan.log

.PHONY: model
model: $(foreach m,$(MODELS),$(patsubst %,$(MODEL_DIR)/$(m)/%/pan,RIGHT $($(m)_MODEL_ERRORS))) ## search the models of the signalling for errors
	@$(foreach m,$(MODELS),echo "== $(m)" && \
	    { ( $(call search,$(m)/RIGHT) && grep -q 'errors: 0$$' pan.log ) || \
	    { cat $(MODEL_DIR)/$(m)/RIGHT/pan.log; echo "the way there: spin -p -t in $(MODEL_DIR)/$(m)/RIGHT"; exit 1; }; } && \
	    $(foreach e,$($(m)_MODEL_ERRORS),{ ( $(call search,$(m)/$(e)) && grep -q 'errors: 1$$' pan.log ) || \
	    { echo "$(m): with $(e) the search finds no error"; exit 1; }; } &&)) true
