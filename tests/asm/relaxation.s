# A conditional branch that does not reach becomes the opposite one around a jump.
start:  beq     a0, a1, near            #= 00b50c63
        beq     a0, a1, far             #= 00b51463 0140106f
        bltz    a0, far                 #= 00055463 00c0106f
        nop                             #= 00000013
near:   nop                             #= 00000013
        .space  4096
far:    beqz    a0, start               #= 00051463 fe1fe06f
